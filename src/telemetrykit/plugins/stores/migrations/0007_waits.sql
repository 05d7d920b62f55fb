-- min_reader: 1

-- When a job began to wait, so that one that did so before the clock went back does not wait until the clock is there
-- again. Unknown of those that were there before: they wait as long as they say.
ALTER TABLE jobs ADD COLUMN waits_since INTEGER;

-- min_reader: 1

-- How long a lease was made for, so that one made before the clock went back does not last until the clock is there
-- again. Unknown of those that were there before: they last as long as they say.
ALTER TABLE leases ADD COLUMN length INTEGER;

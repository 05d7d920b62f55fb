"""The nouns of the shop, as they are stored and as they go over the wire."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

CURRENCY = "EUR"

Cents = Annotated[int, Field(ge=0, le=1_000_000, description="A price in euro cents.")]


class Value(BaseModel):
    """Immutable; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Kind(StrEnum):
    FONT = "font"
    ICONS = "icons"
    TEXTURE = "texture"
    MODEL = "model"
    SOUND = "sound"
    TEMPLATE = "template"


class ArtifactDraft(Value):
    title: str = Field(min_length=3, max_length=120)
    kind: Kind
    author: str = Field(min_length=1, max_length=60)
    price_cents: Cents
    size_bytes: int = Field(default=64_000, ge=1, le=2_000_000)


class Artifact(ArtifactDraft):
    id: str
    created_at: datetime


class ArtifactPage(Value):
    items: list[Artifact]
    total: int


class ExportFormat(StrEnum):
    ZIP = "zip"
    PNG = "png"
    SVG = "svg"
    PDF = "pdf"


class ExportRequest(Value):
    format: ExportFormat = ExportFormat.ZIP


class ExportReceipt(Value):
    artifact_id: str
    format: ExportFormat
    status: str = "queued"


class OrderStatus(StrEnum):
    PLACED = "placed"
    PAID = "paid"
    FAILED = "failed"


class OrderDraft(Value):
    user_id: str
    artifact_ids: list[str] = Field(min_length=1, max_length=20)


class Order(Value):
    id: str
    user_id: str
    artifact_ids: list[str]
    total_cents: int
    currency: str = CURRENCY
    status: OrderStatus = OrderStatus.PLACED
    placed_at: datetime
    #: The W3C trace context of the request that placed it; the payment links back to it.
    traceparent: str | None = Field(default=None, exclude=True)


class PaymentOutcome(StrEnum):
    SUCCEEDED = "succeeded"
    DECLINED = "declined"


class PaymentNotice(Value):
    """What the payment provider posts to the webhook; it may post the same notice again."""

    order_id: str
    outcome: PaymentOutcome
    reason: str | None = Field(default=None, max_length=200)


class SalesReport(Value):
    orders: dict[OrderStatus, int]
    revenue_cents: int
    currency: str = CURRENCY


class Licence(Value):
    artifact_id: str
    key: str

ALTER TABLE "orders" ADD COLUMN "reason" text;--> statement-breakpoint
ALTER TABLE "orders" ADD COLUMN "authorised_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "orders" ADD COLUMN "captured_minor" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
-- What was closed or paid before these columns were there.
UPDATE "orders" SET "captured_minor" = "total_minor" WHERE "status" = 'paid';--> statement-breakpoint
UPDATE "orders" SET "reason" = coalesce("failure", 'before_reasons_were_kept') WHERE "status" IN ('voiding', 'voided', 'cancelled', 'expired', 'failed');--> statement-breakpoint
ALTER TABLE "refunds" ADD COLUMN "refusals" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX "orders_session" ON "orders" USING btree ("performance_id","session");--> statement-breakpoint
CREATE INDEX "orders_latest" ON "orders" USING btree ("created_at","number");--> statement-breakpoint
ALTER TABLE "refunds" ADD CONSTRAINT "refunds_provider_refund_unique" UNIQUE("provider_refund");--> statement-breakpoint
ALTER TABLE "orders" ADD CONSTRAINT "orders_refunded" CHECK (refunded_minor between 0 and captured_minor);

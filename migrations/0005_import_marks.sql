ALTER TABLE "performances" ADD COLUMN "marks" jsonb;--> statement-breakpoint
CREATE INDEX "outbox_handled_at" ON "outbox" USING btree ("handled_at");
ALTER TABLE "tickets" ADD COLUMN "used_by" text;--> statement-breakpoint
ALTER TABLE "tickets" ADD COLUMN "used_key" text;
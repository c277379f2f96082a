ALTER TABLE "outbox" ADD COLUMN "taken_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "outbox" ADD COLUMN "entry" text;
CREATE TABLE "cron_notes" (
	"name" text PRIMARY KEY NOT NULL,
	"value" jsonb NOT NULL,
	"written_at" timestamp with time zone DEFAULT now() NOT NULL
);

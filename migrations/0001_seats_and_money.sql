CREATE TABLE "import_batches" (
	"import_id" uuid NOT NULL,
	"batch" integer NOT NULL,
	"first_ordinal" integer NOT NULL,
	"seat_count" integer NOT NULL,
	"done_at" timestamp with time zone,
	CONSTRAINT "import_batches_import_id_batch_pk" PRIMARY KEY("import_id","batch")
);
--> statement-breakpoint
CREATE TABLE "import_seats" (
	"import_id" uuid NOT NULL,
	"ordinal" integer NOT NULL,
	"id" text NOT NULL,
	"section_id" text NOT NULL,
	"row" text NOT NULL,
	"label" text NOT NULL,
	"tier_id" text NOT NULL,
	"x" real NOT NULL,
	"y" real NOT NULL,
	"accessible" boolean NOT NULL,
	CONSTRAINT "import_seats_import_id_ordinal_pk" PRIMARY KEY("import_id","ordinal")
);
--> statement-breakpoint
CREATE TABLE "dead_letters" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"stream" text NOT NULL,
	"consumer" text NOT NULL,
	"message" text NOT NULL,
	"payload" jsonb NOT NULL,
	"reason" text NOT NULL,
	"attempts" integer NOT NULL,
	"dead_at" timestamp with time zone DEFAULT now() NOT NULL,
	"redriven_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "outbox_handled" (
	"outbox_id" bigint NOT NULL,
	"consumer" text NOT NULL,
	"handled_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "outbox_handled_outbox_id_consumer_pk" PRIMARY KEY("outbox_id","consumer")
);
--> statement-breakpoint
CREATE TABLE "refunds" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"order_id" text NOT NULL,
	"amount_minor" integer NOT NULL,
	"seats" jsonb NOT NULL,
	"reason" text NOT NULL,
	"status" text DEFAULT 'requested' NOT NULL,
	"provider_refund" text,
	"failure" text,
	"attempts" integer DEFAULT 0 NOT NULL,
	"retry_at" timestamp with time zone DEFAULT now() NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "totals" (
	"name" text PRIMARY KEY NOT NULL,
	"value" bigint NOT NULL
);
--> statement-breakpoint
ALTER TABLE "imports" ALTER COLUMN "status" SET DEFAULT 'queued';--> statement-breakpoint
ALTER TABLE "blocked_seats" ADD COLUMN "reason" text DEFAULT 'blocked' NOT NULL;--> statement-breakpoint
ALTER TABLE "imports" ADD COLUMN "file" jsonb;--> statement-breakpoint
ALTER TABLE "imports" ADD COLUMN "file_hash" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "imports" ADD COLUMN "error" text;--> statement-breakpoint
ALTER TABLE "imports" ADD COLUMN "touched_at" timestamp with time zone DEFAULT now() NOT NULL;--> statement-breakpoint
ALTER TABLE "sections" ADD COLUMN "kind" text DEFAULT 'seated' NOT NULL;--> statement-breakpoint
ALTER TABLE "sections" ADD COLUMN "runs" jsonb DEFAULT '[]'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "orders" ADD COLUMN "refunded_minor" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "outbox" ADD COLUMN "handled_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "import_batches" ADD CONSTRAINT "import_batches_import_id_imports_id_fk" FOREIGN KEY ("import_id") REFERENCES "public"."imports"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "import_seats" ADD CONSTRAINT "import_seats_import_id_imports_id_fk" FOREIGN KEY ("import_id") REFERENCES "public"."imports"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "outbox_handled" ADD CONSTRAINT "outbox_handled_outbox_id_outbox_id_fk" FOREIGN KEY ("outbox_id") REFERENCES "public"."outbox"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "refunds" ADD CONSTRAINT "refunds_order_id_orders_id_fk" FOREIGN KEY ("order_id") REFERENCES "public"."orders"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "dead_letters_open" ON "dead_letters" USING btree ("stream","consumer","message") WHERE redriven_at is null;--> statement-breakpoint
CREATE INDEX "refunds_order" ON "refunds" USING btree ("order_id");--> statement-breakpoint
CREATE INDEX "refunds_unfinished" ON "refunds" USING btree ("retry_at") WHERE status = 'requested';--> statement-breakpoint
-- Imports ran inside their request until now: one that still says so died with it. Outbox rows that were published are done.
UPDATE "imports" SET "status" = 'failed', "error" = 'interrupted' WHERE "status" = 'running';--> statement-breakpoint
UPDATE "outbox" SET "handled_at" = "published_at" WHERE "published_at" IS NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX "imports_open_file" ON "imports" USING btree ("file_hash") WHERE status in ('queued', 'running');--> statement-breakpoint
CREATE INDEX "imports_unfinished" ON "imports" USING btree ("touched_at") WHERE status in ('queued', 'running');--> statement-breakpoint
CREATE INDEX "outbox_unhandled" ON "outbox" USING btree ("published_at") WHERE handled_at is null;
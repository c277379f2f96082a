CREATE TABLE "blocked_seats" (
	"performance_id" text NOT NULL,
	"seat_ordinal" integer NOT NULL,
	CONSTRAINT "blocked_seats_performance_id_seat_ordinal_pk" PRIMARY KEY("performance_id","seat_ordinal")
);
--> statement-breakpoint
CREATE TABLE "events" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"description" text NOT NULL,
	"venue" text NOT NULL,
	"currency" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "halls" (
	"id" text PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"seat_count" integer NOT NULL,
	"layout" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "imports" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"event_id" text NOT NULL,
	"status" text NOT NULL,
	"seats_total" integer NOT NULL,
	"seats_done" integer DEFAULT 0 NOT NULL,
	"detail" jsonb,
	"started_at" timestamp with time zone DEFAULT now() NOT NULL,
	"finished_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "performances" (
	"id" text PRIMARY KEY NOT NULL,
	"event_id" text NOT NULL,
	"hall_id" text NOT NULL,
	"name" text NOT NULL,
	"starts_at" timestamp with time zone NOT NULL,
	"room" text NOT NULL,
	"currency" text NOT NULL,
	"version" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "price_tiers" (
	"performance_id" text NOT NULL,
	"id" text NOT NULL,
	"position" integer NOT NULL,
	"name" text NOT NULL,
	"price_minor" integer NOT NULL,
	"fee_minor" integer NOT NULL,
	CONSTRAINT "price_tiers_performance_id_id_pk" PRIMARY KEY("performance_id","id")
);
--> statement-breakpoint
CREATE TABLE "seats" (
	"hall_id" text NOT NULL,
	"ordinal" integer NOT NULL,
	"id" text NOT NULL,
	"section_id" text NOT NULL,
	"row" text NOT NULL,
	"label" text NOT NULL,
	"tier_id" text NOT NULL,
	"x" real NOT NULL,
	"y" real NOT NULL,
	"accessible" boolean NOT NULL,
	CONSTRAINT "seats_hall_id_ordinal_pk" PRIMARY KEY("hall_id","ordinal"),
	CONSTRAINT "seats_id" UNIQUE("hall_id","id")
);
--> statement-breakpoint
CREATE TABLE "sections" (
	"hall_id" text NOT NULL,
	"id" text NOT NULL,
	"name" text NOT NULL,
	"tier_id" text NOT NULL,
	"x" real NOT NULL,
	"y" real NOT NULL,
	"width" real NOT NULL,
	"height" real NOT NULL,
	"outline" jsonb NOT NULL,
	"first_ordinal" integer NOT NULL,
	"seat_count" integer NOT NULL,
	CONSTRAINT "sections_hall_id_id_pk" PRIMARY KEY("hall_id","id")
);
--> statement-breakpoint
CREATE TABLE "idempotency_keys" (
	"scope" text NOT NULL,
	"key" text NOT NULL,
	"request_hash" text NOT NULL,
	"claim" uuid NOT NULL,
	"locked_until" timestamp with time zone NOT NULL,
	"response" jsonb,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "idempotency_keys_scope_key_pk" PRIMARY KEY("scope","key")
);
--> statement-breakpoint
CREATE TABLE "order_items" (
	"order_id" text NOT NULL,
	"performance_id" text NOT NULL,
	"seat_ordinal" integer NOT NULL,
	"price_minor" integer NOT NULL,
	"fee_minor" integer NOT NULL,
	"live" boolean DEFAULT true NOT NULL,
	CONSTRAINT "order_items_order_id_seat_ordinal_pk" PRIMARY KEY("order_id","seat_ordinal")
);
--> statement-breakpoint
CREATE TABLE "orders" (
	"id" text PRIMARY KEY NOT NULL,
	"number" text NOT NULL,
	"performance_id" text NOT NULL,
	"hold_id" text NOT NULL,
	"session" text NOT NULL,
	"buyer_name" text NOT NULL,
	"buyer_email" text NOT NULL,
	"buyer_key" text NOT NULL,
	"status" text DEFAULT 'awaiting_payment' NOT NULL,
	"seats" jsonb NOT NULL,
	"seat_count" integer NOT NULL,
	"total_minor" integer NOT NULL,
	"currency" text NOT NULL,
	"pay_by" timestamp with time zone NOT NULL,
	"payment_intent" text,
	"payment_attempt" integer DEFAULT 1 NOT NULL,
	"failure" text,
	"next_status" text,
	"attempts" integer DEFAULT 0 NOT NULL,
	"retry_at" timestamp with time zone DEFAULT now() NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "orders_number_unique" UNIQUE("number"),
	CONSTRAINT "orders_payment_intent_unique" UNIQUE("payment_intent")
);
--> statement-breakpoint
CREATE TABLE "outbox" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "outbox_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"topic" text NOT NULL,
	"order_id" text NOT NULL,
	"performance_id" text NOT NULL,
	"payload" jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"published_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "tickets" (
	"id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL,
	"order_id" text NOT NULL,
	"performance_id" text NOT NULL,
	"seat_ordinal" integer NOT NULL,
	"issued_at" timestamp with time zone DEFAULT now() NOT NULL,
	"used_at" timestamp with time zone,
	"voided_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "webhook_events" (
	"id" text PRIMARY KEY NOT NULL,
	"type" text NOT NULL,
	"received_at" timestamp with time zone DEFAULT now() NOT NULL,
	"handled_at" timestamp with time zone
);
--> statement-breakpoint
ALTER TABLE "blocked_seats" ADD CONSTRAINT "blocked_seats_performance_id_performances_id_fk" FOREIGN KEY ("performance_id") REFERENCES "public"."performances"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "performances" ADD CONSTRAINT "performances_event_id_events_id_fk" FOREIGN KEY ("event_id") REFERENCES "public"."events"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "performances" ADD CONSTRAINT "performances_hall_id_halls_id_fk" FOREIGN KEY ("hall_id") REFERENCES "public"."halls"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "price_tiers" ADD CONSTRAINT "price_tiers_performance_id_performances_id_fk" FOREIGN KEY ("performance_id") REFERENCES "public"."performances"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "seats" ADD CONSTRAINT "seats_hall_id_halls_id_fk" FOREIGN KEY ("hall_id") REFERENCES "public"."halls"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sections" ADD CONSTRAINT "sections_hall_id_halls_id_fk" FOREIGN KEY ("hall_id") REFERENCES "public"."halls"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "order_items" ADD CONSTRAINT "order_items_order_id_orders_id_fk" FOREIGN KEY ("order_id") REFERENCES "public"."orders"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "orders" ADD CONSTRAINT "orders_performance_id_performances_id_fk" FOREIGN KEY ("performance_id") REFERENCES "public"."performances"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tickets" ADD CONSTRAINT "tickets_order_id_orders_id_fk" FOREIGN KEY ("order_id") REFERENCES "public"."orders"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "performances_event" ON "performances" USING btree ("event_id");--> statement-breakpoint
CREATE INDEX "performances_hall" ON "performances" USING btree ("hall_id");--> statement-breakpoint
CREATE INDEX "seats_section" ON "seats" USING btree ("hall_id","section_id");--> statement-breakpoint
CREATE UNIQUE INDEX "order_items_live_seat" ON "order_items" USING btree ("performance_id","seat_ordinal") WHERE live;--> statement-breakpoint
CREATE UNIQUE INDEX "orders_open_hold" ON "orders" USING btree ("hold_id") WHERE status in ('awaiting_payment', 'authorised', 'committing', 'capturing', 'paid', 'stuck');--> statement-breakpoint
CREATE INDEX "orders_buyer" ON "orders" USING btree ("performance_id","buyer_key");--> statement-breakpoint
CREATE INDEX "orders_unfinished" ON "orders" USING btree ("retry_at") WHERE status in ('awaiting_payment', 'authorised', 'committing', 'capturing', 'voiding');--> statement-breakpoint
CREATE INDEX "outbox_unpublished" ON "outbox" USING btree ("id") WHERE published_at is null;--> statement-breakpoint
CREATE UNIQUE INDEX "tickets_order_seat" ON "tickets" USING btree ("order_id","seat_ordinal");
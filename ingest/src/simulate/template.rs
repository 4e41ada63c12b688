//! Templates: JSON text with `<slots>`, cut into pieces once and filled in for each event.
//!
//! Within one event a slot has one value: the bucket of the request is the bucket of `resources` and of the error
//! message. Values hold nothing that JSON would have to escape. This room does not know which calls exist.

use std::fmt::Write as _;

use super::calendar::{push_time, push_us_time};
use super::dice::{below, mix, push_alnum, push_base64, push_hex, push_uuid};

/// An account as its resources know it.
#[derive(Debug, Clone)]
pub(super) struct Account {
    /// Place in the organisation; 0 is the platform account, where people work from.
    pub index: u32,
    /// Twelve digits.
    pub id: String,
    /// Name of what it is for, part of bucket names.
    pub alias: String,
    /// Where its resources' ids come from.
    pub seed: u64,
    /// Whether its trail records data events.
    pub data_events: bool,
}

/// What an event is about: where, when, and the draw that decides its resources.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub account: &'a Account,
    pub region: &'a str,
    pub time: i64,
    pub salt: u64,
    /// Name of the calling user or role.
    pub own: &'a str,
    /// Name of its session.
    pub session: &'a str,
}

/// A text with slots.
#[derive(Debug, Default)]
pub(super) struct Template {
    pieces: Vec<Piece>,
}

#[derive(Debug)]
enum Piece {
    Text(&'static str),
    Slot(Slot),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Account,
    Region,
    Own,
    Session,
    Time,
    UsTime,
    Later,
    Epoch,
    Number,
    Bytes,
    Private,
    Uuid(u64),
    Hex(u64, usize),
    Alnum(usize),
    Base64(usize),
    /// Bucket, object, key, instance: what an account has a few of.
    Bucket,
    Object,
    Key,
    Instance,
    Pool(&'static [&'static str], u64),
}

const FUNCTIONS: &[&str] =
    &["orders-api", "thumbnails", "invoice-mailer", "search-indexer", "webhook-relay", "stock-sync"];
const TABLES: &[&str] = &["orders", "customers", "sessions", "stock-levels", "feature-flags"];
const SECRETS: &[&str] =
    &["prod/orders/db", "prod/payments/stripe", "prod/search/api-key", "shared/smtp", "shared/datadog"];
const PARAMETERS: &[&str] =
    &["/shop/config/feature-flags", "/shop/config/currency", "/shop/db/endpoint", "/platform/ami/latest"];
const LOG_GROUPS: &[&str] = &[
    "/aws/lambda/orders-api",
    "/aws/lambda/thumbnails",
    "/ecs/payments",
    "/aws/rds/cluster/orders/error",
    "/aws/vpc/flow-logs",
];
const STACKS: &[&str] = &["shop-network", "shop-orders", "shop-payments", "shop-search", "baseline-security"];
const CLUSTERS: &[&str] = &["shop", "batch"];
const SERVICES: &[&str] = &["payments", "orders-worker", "search", "storefront"];
const REPOSITORIES: &[&str] = &["shop/payments", "shop/orders-worker", "shop/search", "shop/storefront"];
const ALARMS: &[&str] = &["orders-5xx", "payments-latency-p99", "queue-age", "rds-cpu", "nat-port-allocation"];
const DATABASES: &[&str] = &["orders-a", "orders-b", "reporting"];
const GLUE_TABLES: &[&str] = &["orders_raw", "orders_daily", "clickstream", "customers_scd2"];
const ROLES: &[&str] = &["orders-fn-role", "payments-task-role", "web-app-instance", "thumbnail-fn-role"];
const USERS: &[&str] = &["jonas.weber", "mei.tanaka", "priya.natarajan", "ci-deploy"];
const BUCKETS: &[&str] = &["assets", "uploads", "data-lake", "logs", "backups", "deploy-artifacts"];
const ZONES: &[&str] = &["a", "b", "c"];
const LETTERS: &[&str] = &["a", "b", "c", "d", "e", "f"];
const KINDS: &[&str] = &["t3.medium", "m7g.large", "c7i.xlarge", "r7g.large"];
const METRICS: &[&str] = &["CPUUtilization", "Latency", "5XXError", "ApproximateAgeOfOldestMessage"];
/// File names as people give them: not only ASCII.
const DOCUMENTS: &[&str] = &[
    "Überblick Q3 – final.pdf",
    "商品画像/春-コレクション.jpg",
    "facturas/año-2026/recibo nº 17.pdf",
    "отчёт.xlsx",
    "naïve café ☕.md",
    "보고서/2026-상반기.pdf",
];

fn slot(name: &str) -> Option<Slot> {
    Some(match name {
        "account" => Slot::Account,
        "region" => Slot::Region,
        "own" => Slot::Own,
        "session" => Slot::Session,
        "time" => Slot::Time,
        "ustime" => Slot::UsTime,
        "later" => Slot::Later,
        "epoch" => Slot::Epoch,
        "n" => Slot::Number,
        "bytes" => Slot::Bytes,
        "private" => Slot::Private,
        "uuid" => Slot::Uuid(1),
        "uuid2" => Slot::Uuid(2),
        "hex16" => Slot::Hex(1, 16),
        "hex16b" => Slot::Hex(2, 16),
        "hex16c" => Slot::Hex(3, 16),
        "hex16d" => Slot::Hex(4, 16),
        "hex40" => Slot::Hex(5, 40),
        "hex64" => Slot::Hex(6, 64),
        "alnum6" => Slot::Alnum(6),
        "alnum21" => Slot::Alnum(21),
        "base64" => Slot::Base64(74),
        "failure" => Slot::Base64(420),
        "token" => Slot::Base64(312),
        "bucket" => Slot::Bucket,
        "object" => Slot::Object,
        "key" => Slot::Key,
        "instance" => Slot::Instance,
        _ => return pool(name),
    })
}

fn pool(name: &str) -> Option<Slot> {
    let (values, label) = match name {
        "function" => (FUNCTIONS, 11),
        "table" => (TABLES, 12),
        "secret" => (SECRETS, 13),
        "parameter" => (PARAMETERS, 14),
        "loggroup" => (LOG_GROUPS, 15),
        "stack" => (STACKS, 16),
        "cluster" => (CLUSTERS, 17),
        "service" => (SERVICES, 18),
        "repository" => (REPOSITORIES, 19),
        "alarm" => (ALARMS, 20),
        "database" => (DATABASES, 21),
        "gluetable" => (GLUE_TABLES, 22),
        "role" => (ROLES, 23),
        "user" => (USERS, 24),
        "zone" => (ZONES, 25),
        "letter" => (LETTERS, 26),
        "type" => (KINDS, 27),
        "metric" => (METRICS, 28),
        _ => return None,
    };
    Some(Slot::Pool(values, label))
}

impl Template {
    /// Cuts a text at its slots. From the first `<` on that opens no known slot, all is text.
    pub(super) fn parse(text: &'static str) -> Template {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('<') {
            let known = after.split_once('>').and_then(|(name, tail)| slot(name).map(|slot| (slot, tail)));
            let Some((slot, tail)) = known else { break };
            if !before.is_empty() {
                pieces.push(Piece::Text(before));
            }
            pieces.push(Piece::Slot(slot));
            rest = tail;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest));
        }
        Template { pieces }
    }

    /// Appends the text with its slots filled in.
    pub(super) fn fill(&self, out: &mut String, scene: &Scene<'_>) {
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Slot(slot) => slot.fill(out, scene),
            }
        }
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }
}

/// Fills in a text that is used once.
pub(super) fn filled(text: &'static str, scene: &Scene<'_>) -> String {
    let mut out = String::new();
    Template::parse(text).fill(&mut out, scene);
    out
}

impl Slot {
    fn fill(self, out: &mut String, scene: &Scene<'_>) {
        let draw = |label: u64| mix(&[scene.salt, label]);
        match self {
            Slot::Account => out.push_str(&scene.account.id),
            Slot::Region => out.push_str(scene.region),
            Slot::Own => out.push_str(scene.own),
            Slot::Session => out.push_str(scene.session),
            Slot::Time => push_time(out, scene.time),
            Slot::UsTime => push_us_time(out, scene.time),
            Slot::Later => push_us_time(out, scene.time + 3_600),
            Slot::Epoch => number(out, scene.time.unsigned_abs() * 1_000 + draw(31) % 1_000),
            Slot::Number => number(out, draw(32) % 100 + 1),
            Slot::Bytes => number(out, draw(33) % (1 << (8 + draw(34) % 14))),
            Slot::Private => private_address(out, draw(35)),
            Slot::Uuid(label) => push_uuid(out, (draw(label), draw(label + 40))),
            Slot::Hex(label, digits) => push_hex(out, draw(label + 50), digits),
            Slot::Alnum(length) => push_alnum(out, draw(36), length),
            Slot::Base64(length) => push_base64(out, draw(37), length),
            Slot::Bucket => bucket(out, scene.account, draw(38)),
            Slot::Object => object(out, scene.time, draw(39)),
            Slot::Key => push_uuid(out, {
                let key = u64::from(below(draw(60), 4));
                (mix(&[scene.account.seed, 61, key]), mix(&[scene.account.seed, 62, key]))
            }),
            Slot::Instance => instance(out, scene.account, u64::from(below(draw(63), 6))),
            Slot::Pool(values, label) => {
                let at = below(draw(label), values.len() as u32) as usize;
                out.push_str(values.get(at).unwrap_or(&""));
            }
        }
    }
}

/// Appends the id of one of the account's instances.
pub(super) fn instance(out: &mut String, account: &Account, nth: u64) {
    out.push_str("i-0");
    push_hex(out, mix(&[account.seed, 64, nth]), 16);
}

/// Appends a name of one of the account's buckets.
fn bucket(out: &mut String, account: &Account, drawn: u64) {
    let at = below(drawn, BUCKETS.len() as u32) as usize;
    out.push_str("acme-");
    out.push_str(&account.alias);
    out.push('-');
    out.push_str(BUCKETS.get(at).unwrap_or(&"assets"));
}

fn object(out: &mut String, time: i64, drawn: u64) {
    if drawn.is_multiple_of(64) {
        let at = below(drawn, DOCUMENTS.len() as u32) as usize;
        out.push_str("documents/");
        out.push_str(DOCUMENTS.get(at).unwrap_or(&""));
        return;
    }
    let mut day = String::with_capacity(20);
    push_time(&mut day, time);
    out.push_str("orders/dt=");
    out.push_str(day.get(..10).unwrap_or_default());
    out.push_str("/part-000");
    number(out, 10 + drawn % 90);
    out.push('-');
    push_hex(out, drawn, 12);
    out.push_str(".snappy.parquet");
}

fn private_address(out: &mut String, drawn: u64) {
    let _ = write!(out, "10.{}.{}.{}", 20 + drawn % 4, (drawn >> 8) % 64, 4 + (drawn >> 16) % 250);
}

/// Appends a number; a digit at a time, because `write!` is several times slower.
fn number(out: &mut String, mut value: u64) {
    let mut digits = [0_u8; 20];
    let mut used = 0;
    for digit in &mut digits {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
        used += 1;
        if value == 0 {
            break;
        }
    }
    out.extend(digits.iter().take(used).rev().map(|digit| char::from(*digit)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> Account {
        Account { index: 0, id: "111122223333".into(), alias: "platform".into(), seed: 5, data_events: true }
    }

    #[test]
    fn a_slot_has_one_value_within_an_event() {
        let account = account();
        let scene = Scene { account: &account, region: "us-east-1", time: 0, salt: 9, own: "jonas.weber", session: "" };
        let text = filled("<bucket> <bucket> <own> <region> <private> < 3 > <nosuch>", &scene);
        let words: Vec<&str> = text.split(' ').collect();
        assert_eq!(words[0], words[1]);
        assert!(words[0].starts_with("acme-platform-"));
        assert_eq!(words[2..4], ["jonas.weber", "us-east-1"]);
        assert!(text.ends_with("< 3 > <nosuch>"));
        let other = Scene { salt: 10, ..scene };
        assert_ne!(filled("<uuid>", &scene), filled("<uuid>", &other));
    }

    #[test]
    fn numbers_are_written_in_full() {
        for value in [0, 7, 10, 1_793_491_199_000, u64::MAX] {
            let mut out = String::new();
            number(&mut out, value);
            assert_eq!(out, value.to_string());
        }
    }
}

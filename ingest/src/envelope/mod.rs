//! Which shape is it, where are the records.
//!
//! CloudTrail records reach people in many wrappers: `{"Records":[…]}`, a bare list, one object, JSON lines,
//! EventBridge's `detail`, LookupEvents' `CloudTrailEvent` (a string), CloudWatch Logs' `logEvents[].message` (a
//! string). [`split`] finds the values in a text of any length, [`kind`] says what one value is. Other records that look
//! alike (S3 notifications) are named, never read as CloudTrail. This room yields records; it knows no columns.

pub mod kind;
pub mod split;

//! What AWS itself gives: objects of S3, notifications of SQS, `LookupEvents`, IAM's inventory.
//!
//! This room makes calls and hands over bytes. It must not know what a row is, what a lake is, or what
//! becomes of an event.

//! Configuration files: what is too long for a command line. Knows names and kinds, and not what they do.

pub(crate) mod account;

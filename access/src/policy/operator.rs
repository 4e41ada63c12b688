//! The condition operators, by name.
//!
//! Source: "IAM JSON policy elements: Condition operators". A name is `[ForAllValues:|ForAnyValue:]Operator[IfExists]`,
//! read without regard to case.

/// What an operator compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `StringEquals`
    Text,
    /// `StringEqualsIgnoreCase`
    Folded,
    /// `StringLike`
    Like,
    /// `NumericEquals` …
    Number(Order),
    /// `DateEquals` …
    Date(Order),
    /// `Bool`
    Bool,
    /// `BinaryEquals`
    Binary,
    /// `IpAddress`
    Address,
    /// `ArnEquals`, `ArnLike`
    Arn,
    /// `Null`
    Null,
}

/// How numbers and dates are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Equal,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

impl Order {
    /// Whether the request's value stands in this order to the policy's.
    pub(super) fn holds<T: PartialOrd>(self, request: &T, policy: &T) -> bool {
        match self {
            Order::Equal => request == policy,
            Order::Less => request < policy,
            Order::LessEqual => request <= policy,
            Order::Greater => request > policy,
            Order::GreaterEqual => request >= policy,
        }
    }
}

/// How the values of a key are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quantifier {
    /// None: the key has one value.
    Single,
    /// `ForAllValues`
    All,
    /// `ForAnyValue`
    Any,
}

/// An operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Operator {
    pub(super) kind: Kind,
    /// `…Not…`: no value of the policy may match, instead of one.
    pub(super) negated: bool,
    pub(super) quantifier: Quantifier,
    pub(super) if_exists: bool,
}

const NAMES: &[(&str, Kind, bool)] = &[
    ("stringequals", Kind::Text, false),
    ("stringnotequals", Kind::Text, true),
    ("stringequalsignorecase", Kind::Folded, false),
    ("stringnotequalsignorecase", Kind::Folded, true),
    ("stringlike", Kind::Like, false),
    ("stringnotlike", Kind::Like, true),
    ("numericequals", Kind::Number(Order::Equal), false),
    ("numericnotequals", Kind::Number(Order::Equal), true),
    ("numericlessthan", Kind::Number(Order::Less), false),
    ("numericlessthanequals", Kind::Number(Order::LessEqual), false),
    ("numericgreaterthan", Kind::Number(Order::Greater), false),
    ("numericgreaterthanequals", Kind::Number(Order::GreaterEqual), false),
    ("dateequals", Kind::Date(Order::Equal), false),
    ("datenotequals", Kind::Date(Order::Equal), true),
    ("datelessthan", Kind::Date(Order::Less), false),
    ("datelessthanequals", Kind::Date(Order::LessEqual), false),
    ("dategreaterthan", Kind::Date(Order::Greater), false),
    ("dategreaterthanequals", Kind::Date(Order::GreaterEqual), false),
    ("bool", Kind::Bool, false),
    ("binaryequals", Kind::Binary, false),
    ("ipaddress", Kind::Address, false),
    ("notipaddress", Kind::Address, true),
    ("arnequals", Kind::Arn, false),
    ("arnnotequals", Kind::Arn, true),
    ("arnlike", Kind::Arn, false),
    ("arnnotlike", Kind::Arn, true),
    ("null", Kind::Null, false),
];

impl Operator {
    /// Reads an operator's name; `None` for one that IAM does not have.
    pub(super) fn parse(name: &str) -> Option<Operator> {
        let name = name.to_ascii_lowercase();
        let (quantifier, rest) = match name.split_once(':') {
            Some(("forallvalues", rest)) => (Quantifier::All, rest),
            Some(("foranyvalue", rest)) => (Quantifier::Any, rest),
            Some(_) => return None,
            None => (Quantifier::Single, name.as_str()),
        };
        let (rest, if_exists) = rest.strip_suffix("ifexists").map_or((rest, false), |rest| (rest, true));
        let (_, kind, negated) = NAMES.iter().find(|(name, ..)| *name == rest)?;
        Some(Operator { kind: *kind, negated: *negated, quantifier, if_exists })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_with_prefix_suffix_and_any_case() {
        let operator = Operator::parse("forAnyValue:StringNOTLikeIfExists").unwrap();
        assert_eq!((operator.kind, operator.negated, operator.if_exists), (Kind::Like, true, true));
        assert_eq!(operator.quantifier, Quantifier::Any);
        for name in ["", "Foo", "StringEqualsFoo", "ForSomeValues:StringEquals", "IfExists"] {
            assert_eq!(Operator::parse(name), None, "{name}");
        }
    }
}

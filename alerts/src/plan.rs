//! The modifiers of one field, sorted out: which go together, and what each value becomes under them.
//!
//! Source: Sigma specification 2.1.0, appendix "modifiers". Knows values and modifiers, and no fields.

use rsigma_parser::{Modifier, SigmaString, SigmaValue};

use crate::encode::{Charset, base64, base64_offsets};
use crate::modifier::{Lists, written};
use crate::test::{Compare, Shape, TextTest, regex};
use crate::wildcard::{Place, dashes, expand, pattern};

/// The modifiers of one field, sorted out and found consistent.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) place: Place,
    pub(crate) cased: bool,
    pub(crate) all: bool,
    pub(crate) neq: bool,
    expand: bool,
    windash: bool,
    charset: Charset,
    base64: bool,
    offsets: bool,
    regex: bool,
    flags: String,
    pub(crate) cidr: bool,
    pub(crate) fieldref: bool,
    pub(crate) compare: Option<Compare>,
}

impl Plan {
    pub(crate) fn new(modifiers: &[Modifier]) -> Result<Self, String> {
        let mut plan = Plan {
            place: Place::Whole,
            cased: false,
            all: false,
            neq: false,
            expand: false,
            windash: false,
            charset: Charset::Utf8,
            base64: false,
            offsets: false,
            regex: false,
            flags: String::new(),
            cidr: false,
            fieldref: false,
            compare: None,
        };
        for modifier in modifiers {
            plan.add(*modifier)?;
        }
        plan.check()?;
        Ok(plan)
    }

    fn add(&mut self, modifier: Modifier) -> Result<(), String> {
        let before_place = self.place == Place::Whole;
        match modifier {
            Modifier::Contains => self.put(Place::Within)?,
            Modifier::StartsWith => self.put(Place::Start)?,
            Modifier::EndsWith => self.put(Place::End)?,
            Modifier::All => self.all = true,
            Modifier::Neq => self.neq = true,
            Modifier::Cased => self.cased = true,
            Modifier::Re => self.regex = true,
            Modifier::IgnoreCase => self.flags.push('i'),
            Modifier::Multiline => self.flags.push('m'),
            Modifier::DotAll => self.flags.push('s'),
            Modifier::Cidr => self.cidr = true,
            Modifier::FieldRef => self.fieldref = true,
            Modifier::Lt => self.compare = Some(Compare::Less),
            Modifier::Lte => self.compare = Some(Compare::LessOrEqual),
            Modifier::Gt => self.compare = Some(Compare::Greater),
            Modifier::Gte => self.compare = Some(Compare::GreaterOrEqual),
            Modifier::Expand => self.expand = true,
            encoding if !before_place => {
                return Err(format!("`{}` must stand before contains, startswith and endswith", written(encoding)));
            }
            Modifier::WindAsh => self.windash = true,
            Modifier::Wide if !self.encoded() => self.charset = Charset::Utf16Le,
            Modifier::Utf16be if !self.encoded() => self.charset = Charset::Utf16Be,
            Modifier::Utf16 if !self.encoded() => self.charset = Charset::Utf16,
            Modifier::Base64 if !self.encoded() => self.base64 = true,
            Modifier::Base64Offset if !self.encoded() => self.offsets = true,
            other => return Err(format!("the modifier `{}` cannot stand here", written(other))),
        }
        Ok(())
    }

    fn put(&mut self, place: Place) -> Result<(), String> {
        if self.place != Place::Whole {
            return Err("contains, startswith and endswith exclude one another".to_owned());
        }
        self.place = place;
        Ok(())
    }

    fn encoded(&self) -> bool {
        self.base64 || self.offsets
    }

    fn texty(&self) -> bool {
        self.place != Place::Whole || self.expand || self.windash || self.encoded() || self.charset != Charset::Utf8
    }

    pub(crate) fn is_plain(&self) -> bool {
        !self.texty() && !self.regex && !self.cased
    }

    fn check(&self) -> Result<(), String> {
        let kinds = [self.texty(), self.regex, self.cidr, self.fieldref, self.compare.is_some()];
        if kinds.iter().filter(|kind| **kind).count() > 1 {
            return Err("these modifiers exclude one another".to_owned());
        }
        if !self.flags.is_empty() && !self.regex {
            return Err("`i`, `m` and `s` belong behind `re`".to_owned());
        }
        if self.cased && (self.cidr || self.compare.is_some()) {
            return Err("`cased` has no meaning here".to_owned());
        }
        if self.charset != Charset::Utf8 && !self.encoded() {
            return Err("UTF-16 bytes never stand in a JSON record; follow with `base64` or `base64offset`".to_owned());
        }
        Ok(())
    }

    /// The tests, of which one must pass, for one value.
    pub(crate) fn texts(&self, value: &SigmaValue, lists: &Lists) -> Result<Vec<TextTest>, String> {
        let value = match value {
            SigmaValue::String(text) => text.clone(),
            SigmaValue::Integer(number) => SigmaString::from_raw(&number.to_string()),
            SigmaValue::Float(number) => SigmaString::from_raw(&number.to_string()),
            SigmaValue::Bool(value) => SigmaString::from_raw(if *value { "true" } else { "false" }),
            SigmaValue::Null => return Err("`null` takes no text modifier".to_owned()),
        };
        if self.regex {
            let flags = if self.flags.is_empty() { String::new() } else { format!("(?{})", self.flags) };
            let pattern = regex(&format!("{flags}{}", value.original))?;
            return Ok(vec![TextTest::new(Shape::Matches(pattern), true, "")]);
        }
        let mut values = vec![value];
        if self.expand {
            values = expand(&values[0].original, lists)?;
        }
        if self.windash {
            values = dashes(&values)?;
        }
        if self.encoded() {
            values = self.encode(&values)?;
        }
        values.iter().map(|v| pattern(v, self.place, self.cased)).collect()
    }

    fn encode(&self, values: &[SigmaString]) -> Result<Vec<SigmaString>, String> {
        let mut encoded = Vec::new();
        for value in values {
            let plain = value.as_plain().ok_or("a value with wildcards cannot be encoded")?;
            let bytes = self.charset.bytes(&plain);
            let texts = if self.offsets { base64_offsets(&bytes) } else { vec![base64(&bytes)] };
            encoded.extend(texts.iter().map(|t| SigmaString::from_raw(t)));
        }
        Ok(encoded)
    }
}

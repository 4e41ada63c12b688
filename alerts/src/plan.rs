//! The modifiers of one field, sorted out: which go together, and what each value becomes under them.
//!
//! Source: Sigma specification 2.1.0, appendix "modifiers". Knows values and modifiers, and no fields.

use rsigma_parser::value::StringPart;
use rsigma_parser::{Modifier, SigmaString, SigmaValue};

use crate::encode::{Charset, base64, base64_offsets};
use crate::modifier::written;
use crate::moment::Clock;
use crate::test::{Compare, Shape, TextTest, regex};
use crate::wildcard::{Place, dashes, pattern};

/// The modifiers of one field, sorted out and found consistent.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) place: Place,
    pub(crate) cased: bool,
    pub(crate) all: bool,
    pub(crate) neq: bool,
    pub(crate) expand: bool,
    windash: bool,
    charset: Charset,
    base64: bool,
    offsets: bool,
    pub(crate) regex: bool,
    flags: String,
    pub(crate) cidr: bool,
    pub(crate) fieldref: bool,
    pub(crate) compare: Option<Compare>,
    pub(crate) clock: Option<Clock>,
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
            clock: None,
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
            Modifier::Lt => self.order(Compare::Less)?,
            Modifier::Lte => self.order(Compare::LessOrEqual)?,
            Modifier::Gt => self.order(Compare::Greater)?,
            Modifier::Gte => self.order(Compare::GreaterOrEqual)?,
            Modifier::Expand => self.expand = true,
            Modifier::WindAsh => self.windash = true,
            part if Clock::of(part).is_some() => match self.clock {
                None => self.clock = Clock::of(part),
                Some(_) => return Err("a date has one part at a time: use a selection for each".to_owned()),
            },
            encoding if !before_place => {
                return Err(format!("`{}` must stand before contains, startswith and endswith", written(encoding)));
            }
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

    fn order(&mut self, compare: Compare) -> Result<(), String> {
        if self.compare.is_some() {
            return Err("lt, lte, gt and gte exclude one another: use a selection for each".to_owned());
        }
        self.compare = Some(compare);
        Ok(())
    }

    fn encoded(&self) -> bool {
        self.base64 || self.offsets
    }

    /// The value becomes another text.
    fn changed(&self) -> bool {
        self.windash || self.encoded() || self.charset != Charset::Utf8
    }

    /// Values are compared as text.
    pub(crate) fn is_text(&self) -> bool {
        !self.cidr && !self.fieldref && self.compare.is_none() && self.clock.is_none()
    }

    /// Values stand for themselves.
    pub(crate) fn is_plain(&self) -> bool {
        self.place == Place::Whole && !self.changed() && !self.regex && !self.cased
    }

    fn check(&self) -> Result<(), String> {
        let numeric = self.compare.is_some() || self.clock.is_some();
        let kinds = [self.changed(), self.regex, self.cidr, self.fieldref, numeric];
        let placed = self.place != Place::Whole && (self.cidr || numeric);
        if placed || kinds.iter().filter(|kind| **kind).count() > 1 {
            return Err("these modifiers exclude one another".to_owned());
        }
        if !self.flags.is_empty() && !self.regex {
            return Err("`i`, `m` and `s` belong behind `re`".to_owned());
        }
        if self.cased && (self.cidr || numeric) {
            return Err("`cased` has no meaning here".to_owned());
        }
        if self.fieldref && self.expand {
            return Err("`fieldref` takes the name of a field, and no placeholders".to_owned());
        }
        Ok(())
    }

    /// The tests, of which one must pass, for one value.
    pub(crate) fn texts(&self, value: &SigmaValue) -> Result<Vec<TextTest>, String> {
        let value = match value {
            SigmaValue::String(text) => text.clone(),
            SigmaValue::Integer(number) => SigmaString::from_raw(&number.to_string()),
            SigmaValue::Float(number) => SigmaString::from_raw(&number.to_string()),
            SigmaValue::Bool(value) => SigmaString::from_raw(if *value { "true" } else { "false" }),
            SigmaValue::Null => return Err("`null` takes no text modifier".to_owned()),
        };
        if self.regex {
            return Ok(vec![TextTest::new(Shape::Matches(regex(&self.anchored(&value.original))?), true, "")]);
        }
        let mut values = vec![value];
        if self.windash {
            values = dashes(&values)?;
        }
        if self.encoded() {
            values = self.encode(&values)?;
        } else if self.charset != Charset::Utf8 {
            values = values.iter().map(|value| self.widen(value)).collect::<Result<_, _>>()?;
        }
        Ok(values.iter().map(|v| pattern(v, self.place, self.cased)).collect())
    }

    /// A regular expression is looked for anywhere; `startswith` and `endswith` tie it to an end of the text.
    fn anchored(&self, pattern: &str) -> String {
        let flags = if self.flags.is_empty() { String::new() } else { format!("(?{})", self.flags) };
        match self.place {
            Place::Whole | Place::Within => format!("{flags}{pattern}"),
            Place::Start => format!(r"{flags}\A(?:{pattern})"),
            Place::End => format!(r"{flags}(?:{pattern})\z"),
        }
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

    /// UTF-16 as it looks where its bytes were taken for text: a NUL beside each character.
    fn widen(&self, value: &SigmaString) -> Result<SigmaString, String> {
        let mut wide = value.clone();
        for part in &mut wide.parts {
            let StringPart::Plain(text) = part else { continue };
            if !text.is_ascii() {
                return Err("UTF-16 of other than ASCII is no text: follow with `base64` or `base64offset`".to_owned());
            }
            let nul = |c: char| if self.charset == Charset::Utf16Be { ['\0', c] } else { [c, '\0'] };
            *text = text.chars().flat_map(nul).collect();
        }
        if self.charset == Charset::Utf16 {
            wide.parts.insert(0, StringPart::Plain("\u{feff}".to_owned()));
        }
        Ok(wide)
    }
}

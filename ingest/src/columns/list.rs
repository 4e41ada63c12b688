//! The `resources` column: a list of structs, filled from the raw text of the list.

use std::sync::Arc;

use arrow::array::{ArrayRef, ListArray, StructArray};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::error::ArrowError;

use super::bits::Mask;
use super::fill::fill_text;
use super::text::Text;
use crate::json::{self, Value};
use crate::record::Element;
use crate::schema::{self, RESOURCE};

/// Builds a list of [`RESOURCE`] structs.
#[derive(Debug)]
pub(crate) struct ResourceList {
    fields: Vec<Text>,
    /// Elements that are objects; another element is null here, and the whole list goes to `extra`.
    objects: Mask,
    elements: usize,
    offsets: Vec<i32>,
    mask: Mask,
}

/// Position of a field by its documented name, or by that in lower case.
#[inline]
fn field(name: &str) -> Option<usize> {
    // The usual ones first, which are told apart by their length.
    match name {
        "ARN" => Some(0),
        "accountId" => Some(1),
        "type" => Some(2),
        _ => RESOURCE.iter().position(|field| field.json == name || field.name == name),
    }
}

impl ResourceList {
    pub(crate) fn new() -> Self {
        ResourceList {
            fields: RESOURCE.iter().map(|_| Text::new()).collect(),
            objects: Mask::default(),
            elements: 0,
            offsets: vec![0],
            mask: Mask::default(),
        }
    }

    /// Appends a list whose elements were found already.
    #[inline]
    pub(crate) fn push_elements(&mut self, row: usize, text: &str, elements: &[Element]) {
        for element in elements {
            self.objects.mark(self.elements);
            for (out, (start, end)) in self.fields.iter_mut().zip(element.fields) {
                if start != 0 {
                    out.push(self.elements, text, start..end);
                }
            }
            self.elements += 1;
        }
        self.close(row);
    }

    /// Ends the list of `row`; rows skipped since the last one are null.
    #[inline]
    fn close(&mut self, row: usize) {
        if self.offsets.len() <= row {
            let before = self.offsets[self.offsets.len() - 1];
            self.offsets.resize(row + 1, before);
        }
        self.offsets.push(self.elements as i32);
        self.mask.mark(row);
    }

    /// Appends a checked value. False if the column does not give it back exactly.
    pub(crate) fn push(&mut self, row: usize, text: &str, value: Value) -> bool {
        let bytes = text.as_bytes();
        if bytes.get(value.start) != Some(&b'[') {
            return false;
        }
        let mut fits = true;
        let mut at = json::skip_space(bytes, value.start + 1);
        while at < value.end - 1 {
            let Ok(element) = json::value(bytes, at) else { break };
            fits &= self.element(text, element);
            at = json::skip_space(bytes, element.end);
            if bytes.get(at) == Some(&b',') {
                at = json::skip_space(bytes, at + 1);
            }
        }
        self.close(row);
        fits
    }

    fn element(&mut self, text: &str, element: Value) -> bool {
        let bytes = text.as_bytes();
        let row = self.elements;
        self.elements += 1;
        if bytes.get(element.start) != Some(&b'{') {
            return false;
        }
        self.objects.mark(row);
        let mut seen = 0u8;
        let mut fits = true;
        let mut at = json::skip_space(bytes, element.start + 1);
        while at < element.end - 1 {
            let Ok((key, value_at, _)) = json::key(bytes, at) else { break };
            let Ok(value) = json::value(bytes, value_at) else { break };
            let name = &text[key.start + 1..key.end - 1];
            // ARN and arn both occur; only the documented spelling is given back from the column.
            match field(name) {
                Some(field) if seen >> field & 1 == 0 => {
                    seen |= 1 << field;
                    fits &= fill_text(&mut self.fields[field], row, text, value) && RESOURCE[field].json == name;
                }
                _ => fits = false,
            }
            at = json::skip_space(bytes, value.end);
            if bytes.get(at) == Some(&b',') {
                at = json::skip_space(bytes, at + 1);
            }
        }
        fits
    }

    pub(crate) fn finish(&mut self, rows: usize) -> Result<ArrayRef, ArrowError> {
        let elements = std::mem::take(&mut self.elements);
        let mut columns = Vec::with_capacity(self.fields.len());
        for field in &mut self.fields {
            columns.push(field.finish(elements)?);
        }
        let nulls = self.objects.finish(elements);
        let structs = StructArray::try_new_with_length(schema::arrow_fields(RESOURCE), columns, nulls, elements)?;
        let last = self.offsets[self.offsets.len() - 1];
        let mut offsets = std::mem::replace(&mut self.offsets, vec![0]);
        offsets.resize(rows + 1, last);
        let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
        let nulls = self.mask.finish(rows);
        Ok(Arc::new(ListArray::try_new(schema::list_item(RESOURCE), offsets, Arc::new(structs), nulls)?))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::columns::batch_from_json;
    use arrow::array::AsArray;

    #[test]
    fn fields_are_found_where_the_schema_has_them() {
        for (at, column) in RESOURCE.iter().enumerate() {
            assert_eq!([field(column.json), field(column.name)], [Some(at); 2], "{}", column.json);
        }
        assert_eq!(field("ArN"), None);
    }

    /// A list that was read while it was checked gives the same column as one that is read from its text.
    #[test]
    fn both_ways_of_filling_agree() {
        let usual = r#"[{"accountId":"1","type":"t","ARN":"arn:aws:s3:::b"},{"ARN":""}]"#;
        let spaced = usual.replace(':', ": ").replace("arn: aws: s3: : : b", "arn:aws:s3:::b");
        assert_ne!(usual, spaced);
        let records =
            [usual, &spaced, "[]", "[ ]"].map(|list| format!(r#"{{"resources":{list},"eventVersion":"1.08"}}"#));
        let batch = batch_from_json(&records.each_ref().map(String::as_str)).unwrap();
        assert_eq!(batch.slice(0, 1), batch.slice(1, 1));
        assert_eq!(batch.slice(2, 1), batch.slice(3, 1));
        assert_ne!(batch.slice(0, 1), batch.slice(2, 1));
        let alone = batch_from_json(&[&records[0]]).unwrap();
        assert_eq!(batch.slice(0, 1), alone);
        let list = batch.column_by_name("resources").unwrap().as_list::<i32>().value(0);
        let arns = list.as_struct().column_by_name("arn").unwrap().as_string::<i32>().clone();
        assert_eq!(arns.iter().collect::<Vec<_>>(), [Some("arn:aws:s3:::b"), Some("")]);
    }
}

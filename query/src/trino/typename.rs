//! Types by Trino's names, for `typeof`, errors and descriptions. Source: Trino documentation, "Data types".

use std::sync::Arc;

use arrow::datatypes::{DataType, Field};

/// A type by Trino's name: `map(varchar, date)`.
pub fn trino_name(data_type: &DataType) -> String {
    let name = |data_type: &DataType| trino_name(data_type);
    match data_type {
        DataType::Null => "unknown".into(),
        DataType::Boolean => "boolean".into(),
        DataType::Int8 | DataType::UInt8 => "tinyint".into(),
        DataType::Int16 | DataType::UInt16 => "smallint".into(),
        DataType::Int32 | DataType::UInt32 => "integer".into(),
        DataType::Int64 | DataType::UInt64 => "bigint".into(),
        DataType::Float32 => "real".into(),
        DataType::Float64 => "double".into(),
        DataType::Decimal128(digits, scale) => format!("decimal({digits},{scale})"),
        DataType::Date32 | DataType::Date64 => "date".into(),
        DataType::Timestamp(_, None) => "timestamp(3)".into(),
        DataType::Timestamp(_, Some(_)) => "timestamp(3) with time zone".into(),
        DataType::Interval(_) | DataType::Duration(_) => "interval".into(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "varbinary".into(),
        DataType::List(item) | DataType::LargeList(item) => format!("array({})", name(item.data_type())),
        DataType::Dictionary(_, value) => name(value),
        DataType::Struct(fields) => {
            let field = |field: &Arc<Field>| format!("{} {}", field.name(), name(field.data_type()));
            format!("row({})", fields.iter().map(field).collect::<Vec<_>>().join(", "))
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) => {
                let parts = fields.iter().map(|field| name(field.data_type()));
                format!("map({})", parts.collect::<Vec<_>>().join(", "))
            }
            other => format!("map({})", name(other)),
        },
        other if other.is_string() => "varchar".into(),
        other => other.to_string(),
    }
}

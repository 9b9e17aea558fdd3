//! Values of Parquet files as JSON: times as RFC 3339 text, dates as `2026-01-01`, and no number as nothing.

use habitue::Time;
use parquet::record::{Field, Row};
use serde_json::{Map, Number, Value as Json};

const DAY_MS: i64 = 86_400_000;

/// A value of Parquet as JSON.
///
/// # Errors
/// If it is none that JSON can say.
pub(super) fn json(field: &Field) -> Result<Json, String> {
    Ok(match field {
        Field::Null => Json::Null,
        Field::Bool(value) => Json::from(*value),
        Field::Byte(value) => Json::from(*value),
        Field::Short(value) => Json::from(*value),
        Field::Int(value) => Json::from(*value),
        Field::Long(value) => Json::from(*value),
        Field::UByte(value) => Json::from(*value),
        Field::UShort(value) => Json::from(*value),
        Field::UInt(value) => Json::from(*value),
        Field::ULong(value) => Json::from(*value),
        Field::Float16(value) => float(f64::from(*value)),
        // As it is written, and not as the nearest of 64 bits: 0.1 stays 0.1.
        Field::Float(value) => float(value.to_string().parse().unwrap_or(f64::NAN)),
        Field::Double(value) => float(*value),
        Field::Decimal(_) => {
            let text = field.to_string();
            let number: Option<Number> = serde_json::from_str(&text).ok();
            number.map_or(Json::from(text), Json::from)
        }
        Field::Str(text) => Json::from(text.as_str()),
        Field::Bytes(bytes) => match std::str::from_utf8(bytes.data()) {
            Ok(text) => Json::from(text),
            Err(_) => return Err("it holds bytes that are no UTF-8 text".to_owned()),
        },
        Field::Date(days) => {
            let text = time(i64::from(*days).saturating_mul(DAY_MS))?;
            Json::from(text.split('T').next().unwrap_or_default())
        }
        Field::TimestampMillis(millis) => Json::from(time(*millis)?),
        Field::TimestampMicros(micros) => Json::from(time(micros.div_euclid(1_000))?),
        Field::TimeMillis(_) | Field::TimeMicros(_) => Json::from(field.to_string()),
        Field::Group(row) => Json::Object(object(row)?),
        Field::ListInternal(list) => {
            list.elements().iter().map(json).collect::<Result<Vec<_>, _>>().map(Json::Array)?
        }
        Field::MapInternal(map) => {
            let mut entries = Map::new();
            for (key, value) in map.entries() {
                let key = match json(key)? {
                    Json::String(text) => text,
                    other => other.to_string(),
                };
                entries.insert(key, json(value)?);
            }
            Json::Object(entries)
        }
    })
}

/// Nanoseconds since 1970 as a time.
///
/// # Errors
/// If it is out of range.
pub(super) fn of_nanoseconds(nanos: i64) -> Result<Json, String> {
    Ok(Json::from(time(nanos.div_euclid(1_000_000))?))
}

fn object(row: &Row) -> Result<Map<String, Json>, String> {
    row.get_column_iter().map(|(name, field)| Ok((name.clone(), json(field)?))).collect()
}

fn time(millis: i64) -> Result<String, String> {
    Time::from_millis(millis).map(|time| time.to_string()).map_err(|error| error.to_string())
}

fn float(value: f64) -> Json {
    match Number::from_f64(value) {
        Some(number) => Json::Number(number),
        None if value.is_nan() => Json::Null,
        None => Json::from(value.to_string()),
    }
}

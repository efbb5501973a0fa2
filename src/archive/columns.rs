//! `sweep.parquet`: the rows of `sweep.csv` in columns, without compression, so that every build writes the same bytes.

use std::sync::Arc;

use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::Result;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{Type, TypePtr};

use super::{MetricRow, PointRecord, SweepRecord};

/// A point, a variant and one of its rows.
type Row<'a> = (&'a PointRecord, &'a str, &'a MetricRow);

/// How a column is read off a row.
enum Column<'a> {
    Text(Box<dyn Fn(&Row<'_>) -> String + 'a>),
    Whole(fn(&Row<'_>) -> i64),
    Number(fn(&Row<'_>) -> Option<f64>),
}

/// The file's bytes. Values that are null in `summary.json` are null here.
///
/// # Errors
/// What the library says.
pub(super) fn table(record: &SweepRecord, points: &[PointRecord]) -> Result<Vec<u8>> {
    let columns = columns(record);
    let fields = columns
        .iter()
        .map(|(name, column)| field(name, column))
        .collect::<Result<Vec<_>>>()?;
    let schema = Arc::new(Type::group_type_builder("sweep").with_fields(fields).build()?);
    let properties = WriterProperties::builder()
        .set_created_by(env!("CARGO_PKG_NAME").to_owned())
        .build();
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties))?;
    let rows: Vec<Row<'_>> = (points.iter())
        .flat_map(|point| {
            let summaries = point.summaries();
            summaries.flat_map(move |(variant, summary)| {
                let rows = summary.metrics.iter();
                rows.map(move |row| (point, variant, row))
            })
        })
        .collect();
    let mut group = writer.next_row_group()?;
    for (_, column) in &columns {
        write(&mut group, column, &rows)?;
    }
    group.close()?;
    writer.into_inner()
}

fn columns(record: &SweepRecord) -> Vec<(String, Column<'_>)> {
    let mut columns = vec![(
        "point".to_owned(),
        Column::Whole(|(point, ..)| i64::from(point.point)),
    )];
    for path in &record.paths {
        let value = move |(point, ..): &Row<'_>| point.value(path).to_owned();
        columns.push((path.clone(), Column::Text(Box::new(value))));
    }
    if record.compared {
        let variant = |(_, variant, _): &Row<'_>| (*variant).to_owned();
        columns.push(("variant".to_owned(), Column::Text(Box::new(variant))));
    }
    let rest = [
        ("metric", Column::Text(Box::new(|(.., row)| row.name.clone()))),
        ("scope", Column::Text(Box::new(|(.., row)| row.scope.clone()))),
        ("unit", Column::Text(Box::new(|(.., row)| row.unit.clone()))),
        ("mean", Column::Number(|(.., row)| row.mean)),
        (
            "ci95_low",
            Column::Number(|(.., row)| row.ci95.map(|ends| ends[0])),
        ),
        (
            "ci95_high",
            Column::Number(|(.., row)| row.ci95.map(|ends| ends[1])),
        ),
        (
            "replications",
            Column::Whole(|(.., row)| i64::from(row.replications)),
        ),
        ("p50", Column::Number(|(.., row)| row.p50)),
        ("p99", Column::Number(|(.., row)| row.p99)),
    ];
    columns.extend(rest.map(|(name, column)| (name.to_owned(), column)));
    columns
}

fn field(name: &str, column: &Column<'_>) -> Result<TypePtr> {
    let (physical, logical, repetition) = match column {
        Column::Text(_) => (
            Physical::BYTE_ARRAY,
            Some(LogicalType::String),
            Repetition::REQUIRED,
        ),
        Column::Whole(_) => (Physical::INT64, None, Repetition::REQUIRED),
        Column::Number(_) => (Physical::DOUBLE, None, Repetition::OPTIONAL),
    };
    let builder = Type::primitive_type_builder(name, physical).with_logical_type(logical);
    Ok(Arc::new(builder.with_repetition(repetition).build()?))
}

fn write(
    group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
    column: &Column<'_>,
    rows: &[Row<'_>],
) -> Result<()> {
    let mut writer = group.next_column()?.expect("there are as many columns as fields");
    match column {
        Column::Text(of) => {
            let values: Vec<ByteArray> = rows
                .iter()
                .map(|row| ByteArray::from(of(row).into_bytes()))
                .collect();
            writer.typed::<ByteArrayType>().write_batch(&values, None, None)?;
        }
        Column::Whole(of) => {
            let values: Vec<i64> = rows.iter().map(of).collect();
            writer.typed::<Int64Type>().write_batch(&values, None, None)?;
        }
        Column::Number(of) => {
            let values: Vec<Option<f64>> = rows.iter().map(of).collect();
            let there: Vec<f64> = values.iter().copied().flatten().collect();
            let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
            writer
                .typed::<DoubleType>()
                .write_batch(&there, Some(&levels), None)?;
        }
    }
    writer.close()
}

//! Parquet and Arrow files as inputs, and rows as an Arrow stream. Without the feature, what is said instead.
#![cfg(feature = "cli")]
#![allow(clippy::unwrap_used, reason = "a broken test should stop")]

#[path = "support/command.rs"]
mod command;

use command::Folder;

const PROGRAM: &str = "CREATE STREAM P (id INT NOT NULL, amount FLOAT, card STRING, at TIMESTAMP) TIMESTAMP BY at WITH (type = 'P');
SELECT id, amount, card, at FROM P;";

#[cfg(not(feature = "arrow-files"))]
#[test]
fn a_build_without_them_says_how_to_have_them() {
    let folder = Folder::new("arrow", "without");
    folder.put("q.tide", PROGRAM).put("e.parquet", b"PAR1....PAR1").put("e.arrow", b"ARROW1..");
    for (name, form) in [("e.parquet", "Parquet"), ("e.arrow", "Arrow")] {
        let ended = folder.betide(&["run", "q.tide", name], "");
        let expected = format!("betide: cannot open {name}: it is {form}, which this build does not read: ");
        assert!(ended.code == 74 && ended.err.starts_with(&expected) && ended.err.contains("--features arrow-files"), "{}", ended.err);
    }
    let piped = folder.betide(&["run", "q.tide"], b"PAR1....PAR1".to_vec());
    assert!(piped.code == 74 && piped.err.contains("it is Parquet, which this build does not read"), "{}", piped.err);
    let out = folder.betide(&["run", "q.tide", "--format", "arrow"], "");
    assert!(out.code == 2 && out.err.contains("this build does not write Arrow: "), "{}", out.err);
}

#[cfg(feature = "arrow-files")]
mod with {
    use std::fs::File;
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Float32Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMillisecondArray};
    use arrow_ipc::reader::StreamReader;
    use arrow_ipc::writer::{FileWriter, StreamWriter};
    use parquet::arrow::ArrowWriter;
    use parquet::basic::Compression;
    use parquet::file::properties::WriterProperties;

    use super::{Folder, PROGRAM};

    /// Good rows, and one of each kind that is not: no id, no time, of no stream, and one whose amount is no number.
    fn batch() -> RecordBatch {
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("type", Arc::new(StringArray::from(vec!["P", "P", "P", "Q", "P", "P"]))),
            ("id", Arc::new(Int32Array::from(vec![Some(1), None, Some(3), Some(4), Some(5), Some(6)]))),
            ("amount", Arc::new(Float32Array::from(vec![Some(0.5), Some(1.0), Some(1.0), None, Some(f32::NAN), None]))),
            ("card", Arc::new(StringArray::from(vec![Some("a \"b\""), None, None, None, None, Some("ü")]))),
            ("at", Arc::new(TimestampMillisecondArray::from(vec![Some(1000), Some(1000), None, Some(1000), Some(1000), Some(2500)]))),
            ("unread", Arc::new(Int64Array::from(vec![1; 6]))),
        ];
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
    }

    fn write_all(folder: &Folder, batches: &[RecordBatch]) {
        let schema = batches[0].schema();
        let snappy = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let mut parquet = ArrowWriter::try_new(File::create(folder.path("e.parquet")).unwrap(), schema.clone(), Some(snappy)).unwrap();
        let mut file = FileWriter::try_new(File::create(folder.path("e.arrow")).unwrap(), &schema).unwrap();
        let mut stream = StreamWriter::try_new(File::create(folder.path("e.arrows")).unwrap(), &schema).unwrap();
        for batch in batches {
            parquet.write(batch).unwrap();
            file.write(batch).unwrap();
            stream.write(batch).unwrap();
        }
        parquet.close().unwrap();
        file.finish().unwrap();
        stream.finish().unwrap();
    }

    const ROWS: [&str; 2] = [
        r#"{"id":1,"amount":0.5,"card":"a \"b\"","at":"1970-01-01T00:00:01Z"}"#,
        r#"{"id":6,"amount":null,"card":"ü","at":"1970-01-01T00:00:02.5Z"}"#,
    ];

    #[test]
    fn rows_are_events_and_those_that_do_not_fit_are_dead_letters() {
        let folder = Folder::new("arrow", "rows");
        folder.put("q.tide", PROGRAM);
        write_all(&folder, &[batch()]);
        for name in ["e.parquet", "e.arrow", "e.arrows"] {
            let ended = folder.betide(&["run", "q.tide", name, "--dead-letters", "bad.jsonl", "--stats"], "");
            assert_eq!((ended.code, ended.lines()), (0, ROWS.to_vec()), "{name}: {}", ended.err);
            assert!(ended.err.contains("read 6 · late 0 · bad 3 · unrouted 1 · rows 2 · "), "{name}: {}", ended.err);
            let letters = folder.read("bad.jsonl");
            for (letter, (line, cause)) in letters.lines().zip([(2, "missing_value"), (3, "no_time"), (5, "wrong_type")]) {
                let begin = format!("{{\"source\":\"{name}\",\"line\":{line},");
                assert!(letter.starts_with(&begin) && letter.contains(&format!("\"cause\":\"{cause}\"")), "{letter}");
            }
            let strict = folder.betide(&["run", "q.tide", name, "--strict"], "");
            assert!(strict.code == 65 && strict.err.contains("line 2: bad event (missing_value)"), "{}", strict.err);
            // The letters are events like others.
            let mended = letters.replace("\\\"id\\\":null", "\\\"id\\\":2");
            let again = folder.put("mended.jsonl", mended).betide(&["dead-letters", "replay", "mended.jsonl", "q.tide", name], "");
            assert_eq!((again.code, again.lines().len()), (0, 3), "{}", again.err);
        }
        let stream = std::fs::read(folder.path("e.arrows")).unwrap();
        assert_eq!(folder.betide(&["run", "q.tide"], stream).lines(), ROWS, "a stream may come by a pipe");
        let parquet = std::fs::read(folder.path("e.parquet")).unwrap();
        let piped = folder.betide(&["run", "q.tide"], parquet);
        assert!(piped.code == 74 && piped.err.contains("which is read from its end: name the file itself"), "{}", piped.err);
    }

    #[test]
    fn many_batches_and_other_inputs_one_after_the_other() {
        let folder = Folder::new("arrow", "many");
        folder
            .put("q.tide", "CREATE STREAM E (id INT, x FLOAT, at TIMESTAMP) TIMESTAMP BY at; SELECT COUNT(*) AS n, SUM(id) AS ids FROM E;");
        let part = |begin: i64| {
            let ids: Vec<i64> = (begin..begin + 10_000).collect();
            let columns: Vec<(&str, ArrayRef)> = vec![
                ("id", Arc::new(Int64Array::from(ids.clone()))),
                ("x", Arc::new(Float64Array::from(vec![0.5; ids.len()]))),
                ("at", Arc::new(TimestampMillisecondArray::from_iter_values(ids.iter().map(|id| 1_772_359_200_000 + id)))),
            ];
            RecordBatch::try_from_iter(columns).unwrap()
        };
        write_all(&folder, &[part(0), part(10_000)]);
        folder.put("last.jsonl", "{\"id\":5,\"at\":1772359300000}\n");
        for name in ["e.parquet", "e.arrow", "e.arrows"] {
            let ended = folder.betide(&["run", "q.tide", name, "last.jsonl"], "");
            assert_eq!((ended.code, ended.lines().last().copied()), (0, Some(r#"{"n":20001,"ids":199990005}"#)), "{}", ended.err);
            assert_eq!(ended.lines().len(), 20_001);
        }
        let inferred = folder.betide(&["infer", "e.parquet"], "");
        assert!(inferred.code == 0 && inferred.out.contains("TIMESTAMP BY at"), "{} {}", inferred.out, inferred.err);
    }

    #[test]
    fn a_file_that_is_cut_or_damaged_is_told() {
        let folder = Folder::new("arrow", "damaged");
        folder.put("q.tide", PROGRAM);
        write_all(&folder, &[batch()]);
        for name in ["e.parquet", "e.arrow", "e.arrows"] {
            let whole = std::fs::read(folder.path(name)).unwrap();
            for end in [8, whole.len() / 4, whole.len() / 2, whole.len() - 20] {
                let ended = folder.put("cut", &whole[..end]).betide(&["run", "q.tide", "cut"], "");
                // A stream may end where a batch does.
                let is_told = ended.code == 74 && ended.err.lines().last().unwrap().starts_with("betide: cannot ");
                assert!(is_told || (name == "e.arrows" && ended.code == 0), "{name} cut at {end}: {} {}", ended.code, ended.err);
            }
            for at in (8..whole.len()).step_by(whole.len() / 24) {
                let mut damaged = whole.clone();
                damaged[at] ^= 0x55;
                let ended = folder.put("damaged", &damaged).betide(&["run", "q.tide", "damaged"], "");
                assert!([0, 74].contains(&ended.code), "{name} damaged at {at}: {} {}", ended.code, ended.err);
            }
        }
    }

    #[test]
    fn rows_go_out_as_an_arrow_stream_that_comes_in_again() {
        let folder = Folder::new("arrow", "out");
        let program = PROGRAM.replace("SELECT id", "CREATE STREAM Out AS SELECT id");
        folder.put("q.tide", &program);
        write_all(&folder, &[batch()]);
        let ended = folder.betide(&["run", "q.tide", "e.parquet", "--format", "arrow", "--output-file", "rows.arrows"], "");
        assert_eq!(ended.code, 0, "{}", ended.err);
        let reader = StreamReader::try_new(File::open(folder.path("rows.arrows")).unwrap(), None).unwrap();
        let names: Vec<String> = reader.schema().fields().iter().map(|field| field.name().clone()).collect();
        assert_eq!(names, ["id", "amount", "card", "at"]);
        let rows: usize = reader.map(|batch| batch.unwrap().num_rows()).sum();
        assert_eq!(rows, 2);
        let again = PROGRAM.replace(" WITH (type = 'P')", "");
        folder.put("again.tide", again);
        assert_eq!(folder.betide(&["run", "again.tide", "rows.arrows"], "").lines(), ROWS);
        // A run without rows has its columns all the same.
        folder.betide(&["run", "q.tide", "--format", "arrow", "--output-file", "none.arrows"], "");
        let none = StreamReader::try_new(File::open(folder.path("none.arrows")).unwrap(), None).unwrap();
        assert_eq!((none.schema().fields().len(), none.count()), (4, 0));
        for (args, part) in [
            (&["run", "q.tide", "--format", "arrow", "--state", "kept"][..], "--state takes --format jsonl or csv"),
            (&["run", "two.tide", "--format", "arrow"], "--output chooses one"),
            (&["run", "q.tide", "--format", "arrow", "--ids"], "--format jsonl"),
        ] {
            folder.put("two.tide", format!("{program} CREATE STREAM Other AS SELECT id FROM P;"));
            let ended = folder.betide(args, "");
            assert!(ended.code == 2 && ended.err.contains(part), "{args:?}: {}", ended.err);
        }
    }

    #[test]
    fn a_kept_run_goes_on_in_a_parquet_file() {
        let folder = Folder::new("arrow", "kept");
        folder.put("q.tide", PROGRAM).put("more.jsonl", "{\"type\":\"P\",\"id\":9,\"at\":9000}\n");
        write_all(&folder, &[batch()]);
        let args = ["run", "q.tide", "e.parquet", "--state", "kept", "--output-file", "rows.jsonl"];
        assert_eq!(folder.betide(&args, "").code, 0);
        let on = folder.betide(&[&args[..3], &["more.jsonl"], &args[3..]].concat(), "");
        assert_eq!((on.code, folder.read("rows.jsonl").lines().count()), (0, 3), "{}", on.err);
    }
}

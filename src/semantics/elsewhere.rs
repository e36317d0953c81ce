//! Functions that other languages have under another name, and what is written here instead.

/// What to write, by the names that it has elsewhere. What stands in backticks can be tried; `tests/semantics.rs` does.
const ELSEWHERE: &[(&[&str], &str)] = &[
    (
        &["NOW", "CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME", "LOCALTIMESTAMP", "SYSDATE", "GETDATE", "UNIX_TIMESTAMP"],
        "no query sees a clock, so that the same events always give the same rows; the time of an event is its own column",
    ),
    (
        &["RANDOM", "RAND", "UUID", "NEWID"],
        "nothing is random here, so that the same events always give the same rows; to take a sample: `HASH(x) % 100 = 0`",
    ),
    (&["DATEDIFF", "DATE_DIFF", "TIMESTAMPDIFF"], "two times are subtracted: `SECONDS(b - a)`"),
    (&["DATE_ADD", "DATEADD", "TIMESTAMPADD", "DATE_SUB"], "a length of time is added or subtracted: `a + 10 minutes`"),
    (&["STRFTIME", "TO_CHAR", "DATE_FORMAT", "FORMAT_DATE"], "a time is written as text by `FORMAT_TIMESTAMP(a, '%Y-%m-%d')`"),
    (&["STRPTIME", "PARSE_TIMESTAMP", "PARSE_DATE", "TO_DATE", "STR_TO_DATE"], "a time is read from text by `TO_TIMESTAMP(t, '%Y-%m-%d')`"),
    (&["FROM_UNIXTIME", "TO_TIMESTAMP_MS"], "`TO_TIMESTAMP(x, 's')` takes seconds since 1970, without a unit milliseconds"),
    (&["TO_UNIXTIME", "TO_UNIXTIMESTAMP"], "milliseconds since 1970 are `EPOCH_MS(a)`"),
    (&["YEAR", "QUARTER", "MONTH", "WEEK", "DAY", "MINUTE", "SECOND"], "parts of a time are `EXTRACT(YEAR FROM a)` and the like"),
    (&["DATE"], "the day of a time is `DATE_TRUNC('day', a)`"),
    (
        &["TUMBLE", "TUMBLING", "HOP", "HOPPING", "SESSION", "CUMULATE", "TIME_BUCKET"],
        "a window is a clause of its own: `WINDOW TUMBLING 1 minute`",
    ),
    (&["LEN", "DATALENGTH", "CARDINAL"], "the characters of a text are counted by `LENGTH(t)`"),
    (&["INSTR", "CHARINDEX", "STRPOS", "LOCATE"], "`POSITION('a' IN t)`"),
    (&["SUBSTRING_INDEX"], "`SPLIT_PART(t, ',', 1)`"),
    (&["ISNULL"], "`COALESCE(x, 0)`, or `x IS NULL`"),
    (&["COUNT_IF", "COUNTIF"], "an aggregate of some rows is `COUNT(*) FILTER (WHERE x > 0)`"),
    (&["SUM_IF", "SUMIF"], "an aggregate of some rows is `SUM(x) FILTER (WHERE x > 0)`"),
    (&["STRING_AGG", "GROUP_CONCAT", "LISTAGG", "LIST_AGG"], "`ARRAY_JOIN(ARRAY_AGG(t), ', ')`"),
    (&["COUNT_DISTINCT", "DISTINCT_COUNT", "APPROX_DISTINCT", "APPROX_COUNT_DISTINCT", "UNIQ"], "`COUNT(DISTINCT x)`"),
    (&["PERCENTILE", "PERCENTILE_DISC", "APPROX_PERCENTILE", "APPROX_QUANTILE"], "`QUANTILE(x, 0.95)`"),
    (&["ANY_VALUE", "ARBITRARY"], "`FIRST(x)`"),
    (&["JSON_EXTRACT", "JSON_EXTRACT_SCALAR", "JSON_EXTRACT_STRING", "JSON_QUERY", "GET_JSON_OBJECT"], "`JSON_VALUE(j, '$.a')`"),
    (&["LIST_CONTAINS", "ARRAY_HAS", "CONTAINS_ELEMENT"], "`ARRAY_CONTAINS(l, 1)`"),
    (&["ARRAY_SIZE", "LIST_LENGTH"], "`CARDINALITY(l)`"),
    (&["CONVERT"], "`CAST(x AS STRING)`"),
    (&["IFTHENELSE", "IFF"], "`IF(x > 0, 'a', 'b')`"),
    (&["HAVERSINE", "ST_DISTANCE"], "`GEO_DISTANCE(52.5, 13.4, 48.9, 2.4)`"),
    (&["EXISTS"], "rows that have, or lack, a partner are those of SEMI JOIN and ANTI JOIN"),
];

/// What is written here for a function of this name.
pub(super) fn written_here(name: &str) -> Option<&'static str> {
    let is_it = |(names, _): &&(&[&str], &'static str)| names.iter().any(|known| known.eq_ignore_ascii_case(name));
    ELSEWHERE.iter().find(is_it).map(|(_, here)| *here)
}

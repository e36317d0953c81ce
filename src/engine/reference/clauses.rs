//! The clauses of the language, each with its form, what it does, and a program that has it.

/// A clause or statement.
#[derive(Debug, Clone, Copy)]
pub struct Clause {
    /// What it is called.
    pub name: &'static str,
    /// Other words by which it is looked for.
    pub aliases: &'static [&'static str],
    /// How it is written.
    pub form: &'static str,
    /// What it does.
    pub text: &'static str,
    /// A program that has it.
    pub example: &'static str,
}

const fn clause(
    name: &'static str,
    aliases: &'static [&'static str],
    form: &'static str,
    text: &'static str,
    example: &'static str,
) -> Clause {
    Clause { name, aliases, form, text, example }
}

/// All clauses, in the order in which one learns them.
pub const CLAUSES: &[Clause] = &[
    clause(
        "CREATE STREAM",
        &["STREAM", "SOURCE"],
        "CREATE STREAM name (column TYPE, …) clauses;   CREATE STREAM name AS SELECT …;",
        "Declares a source stream by its columns, or names the rows of a query so that others can read them. Only what no statement reads \
         is written.",
        "CREATE STREAM Payment (card STRING, amount FLOAT, at TIMESTAMP) TIMESTAMP BY at;\nCREATE STREAM Large AS SELECT card, amount FROM Payment WHERE amount > 500;",
    ),
    clause(
        "TIMESTAMP BY",
        &["EVENT TIME"],
        "TIMESTAMP BY column   TIMESTAMP BY (column, tie, …)",
        "Says which column is the event time; the columns behind it order events of equal time. Without it, time is the time of arrival.",
        "CREATE STREAM Trade (symbol STRING, at TIMESTAMP(ms), seq INT) TIMESTAMP BY (at, seq);",
    ),
    clause(
        "DELAY",
        &["LATENESS", "OUT OF ORDER"],
        "TIMESTAMP BY column DELAY duration",
        "How far out of order events may come. The watermark of a stream is its largest time minus the delay; an event behind it is late: \
         counted, told, and left out (or sent where LATE INTO says).",
        "CREATE STREAM Login (user STRING, at TIMESTAMP) TIMESTAMP BY at DELAY 5 seconds;",
    ),
    clause(
        "IDLE AFTER",
        &["IDLE"],
        "IDLE AFTER duration",
        "A source that has been silent for so long, by the arrival clock, stops holding the watermark of the others back.",
        "CREATE STREAM Login (user STRING, at TIMESTAMP) TIMESTAMP BY at IDLE AFTER 30 seconds;",
    ),
    clause(
        "LATE INTO",
        &["LATE"],
        "LATE INTO name",
        "Late events of the source go to a stream of this name, with the same columns.",
        "CREATE STREAM Login (user STRING, at TIMESTAMP) TIMESTAMP BY at DELAY 5s LATE INTO LateLogin;\nSELECT user FROM LateLogin;",
    ),
    clause(
        "AHEAD",
        &[],
        "AHEAD duration",
        "An event further ahead of the arrival clock than this is a bad event, so that one wrong clock cannot make all others late.",
        "CREATE STREAM Login (user STRING, at TIMESTAMP) TIMESTAMP BY at AHEAD 5 minutes;",
    ),
    clause(
        "WHEN",
        &["ROUTE"],
        "WHEN condition",
        "Takes the events for which the condition over the columns holds, instead of those of a type. An event may belong to several streams.",
        "CREATE STREAM Access (EventID INT, Channel STRING, UtcTime TIMESTAMP) TIMESTAMP BY UtcTime WHEN EventID = 10 AND Channel LIKE '%Sysmon%';",
    ),
    clause(
        "WITH",
        &["TYPE", "TYPE_FIELD", "OPTIONS"],
        "WITH (type = 'text', type_field = 'path')",
        "On a source: which events are its own, by the text of a field; by default those whose `type` is the stream's name. Before SELECT: \
         WITH name AS (SELECT …), a query with a name for this statement alone.",
        "CREATE STREAM Login (user STRING) WITH (type = 'login', type_field = 'event.kind');",
    ),
    clause(
        "CREATE TABLE",
        &["TABLE", "VIEW", "PRIMARY KEY"],
        "CREATE TABLE name (column TYPE [PRIMARY KEY], …) WITH (path = 'file.csv');   CREATE TABLE name AS SELECT …;",
        "Reference data from a CSV file or lines of JSON, to be joined; or a view that is kept up to date, one row a group.",
        "CREATE STREAM Payment (card STRING, amount FLOAT);\nCREATE TABLE Tier (card STRING PRIMARY KEY, tier STRING) WITH (path = 'tiers.csv');\nSELECT p.card, t.tier FROM Payment p JOIN Tier t ON p.card = t.card;",
    ),
    clause(
        "INSERT INTO",
        &["INSERT"],
        "INSERT INTO name SELECT …;",
        "Adds the rows of a query to a stream. All statements that feed a stream give the same columns.",
        "CREATE STREAM A (x INT); CREATE STREAM B (x INT);\nINSERT INTO Both SELECT x FROM A;\nINSERT INTO Both SELECT x FROM B;",
    ),
    clause(
        "SET",
        &["PARAMETER", "$"],
        "SET name = literal;   … $name …",
        "Gives a parameter its default. --set name=value, or the environment variable BETIDE_SET_name, goes before it.",
        "SET limit = 500;\nCREATE STREAM Payment (card STRING, amount FLOAT);\nSELECT card FROM Payment WHERE amount > $limit;",
    ),
    clause(
        "SELECT",
        &["AS"],
        "SELECT expression [AS name], … FROM …",
        "The columns of the rows that come out. A column without AS is called by its column, or else by the text of its expression. \
         `SELECT *` takes all.",
        "CREATE STREAM Payment (card STRING, amount FLOAT);\nSELECT card, amount * 1.1 AS gross FROM Payment;",
    ),
    clause(
        "WHERE",
        &["FILTER"],
        "WHERE condition",
        "Keeps the rows for which the condition is true (a comparison with NULL is not). In a pattern each of its AND-ed terms belongs to the \
         variable that stands last in the text among those it names, and is checked whenever that one takes an event.",
        "CREATE STREAM Payment (card STRING, amount FLOAT, country STRING);\nSELECT card FROM Payment WHERE amount > 500 AND country IN ('NL', 'BE');",
    ),
    clause(
        "GROUP BY",
        &["GROUP"],
        "GROUP BY expression, …",
        "Aggregates are over the rows of equal values. Without a window they are running ones: a row an event.",
        "CREATE STREAM Trade (symbol STRING, price FLOAT, at TIMESTAMP) TIMESTAMP BY at;\nSELECT symbol, AVG(price) AS mean FROM Trade WINDOW TUMBLING 1m GROUP BY symbol;",
    ),
    clause(
        "HAVING",
        &[],
        "HAVING condition",
        "Keeps the groups, or the finished matches, for which the condition is true. A match that fails skips and consumes nothing.",
        "CREATE STREAM Trade (symbol STRING, at TIMESTAMP) TIMESTAMP BY at;\nSELECT symbol, COUNT(*) AS n FROM Trade WINDOW TUMBLING 1m GROUP BY symbol HAVING COUNT(*) > 10;",
    ),
    clause(
        "WINDOW TUMBLING",
        &["TUMBLING", "WINDOW"],
        "WINDOW TUMBLING size [OFFSET duration] [IN 'zone']",
        "Fixed windows side by side, aligned to the epoch; days and longer to the calendar of a zone where one is given. A group comes out when the \
         watermark passes the end of its window.",
        "CREATE STREAM Trade (price FLOAT, at TIMESTAMP) TIMESTAMP BY at;\nSELECT AVG(price) AS mean, START_TIME FROM Trade WINDOW TUMBLING 1 day IN 'Europe/Berlin';",
    ),
    clause(
        "WINDOW HOPPING",
        &["HOPPING"],
        "WINDOW HOPPING size EVERY step [OFFSET duration] [IN 'zone']",
        "Overlapping windows of one size that begin every step.",
        "CREATE STREAM Trade (price FLOAT, at TIMESTAMP) TIMESTAMP BY at;\nSELECT AVG(price) AS mean FROM Trade WINDOW HOPPING 10m EVERY 1m;",
    ),
    clause(
        "WINDOW SLIDING",
        &["SLIDING"],
        "WINDOW SLIDING size",
        "For each event, the rows of its group from so long before it up to and with it: one row an event.",
        "CREATE STREAM Payment (card STRING, amount FLOAT, at TIMESTAMP) TIMESTAMP BY at;\nSELECT card, SUM(amount) AS spent FROM Payment WINDOW SLIDING 1h GROUP BY card;",
    ),
    clause(
        "WINDOW SESSION",
        &["SESSION"],
        "WINDOW SESSION gap [MAX duration]",
        "The rows of a group up to a gap of more than this; MAX bounds it. START_TIME and END_TIME are its first and last event.",
        "CREATE STREAM Page (visitor STRING, at TIMESTAMP) TIMESTAMP BY at;\nSELECT visitor, COUNT(*) AS pages FROM Page WINDOW SESSION 30m GROUP BY visitor;",
    ),
    clause(
        "WINDOW ROWS",
        &["ROWS", "LAST ROWS"],
        "WINDOW ROWS n   WINDOW LAST n ROWS",
        "Per group: each n rows (a rest gives nothing), or for each event the last n rows up to and with it.",
        "CREATE STREAM Trade (price FLOAT);\nSELECT AVG(price) AS mean FROM Trade WINDOW LAST 100 ROWS;",
    ),
    clause(
        "EMIT EVERY",
        &["EMIT"],
        "EMIT EVERY duration",
        "Early results of a window, by event time; their rows have `\"final\":false`.",
        "CREATE STREAM Trade (price FLOAT, at TIMESTAMP) TIMESTAMP BY at;\nSELECT AVG(price) AS mean FROM Trade WINDOW TUMBLING 1h EMIT EVERY 10m;",
    ),
    clause(
        "ORDER BY",
        &["TOP"],
        "ORDER BY expression [DESC] [NULLS FIRST | NULLS LAST], … [LIMIT n]",
        "Puts the rows of each window in order; with LIMIT the first n of them come out.",
        "CREATE STREAM Trade (symbol STRING, at TIMESTAMP) TIMESTAMP BY at;\nSELECT symbol, COUNT(*) AS n FROM Trade WINDOW TUMBLING 1h GROUP BY symbol ORDER BY n DESC LIMIT 3;",
    ),
    clause(
        "LIMIT",
        &["PER PARTITION"],
        "LIMIT n [PER PARTITION]",
        "Ends the query after n rows, or after n rows for each key of a pattern.",
        "CREATE STREAM Payment (card STRING);\nSELECT card FROM Payment LIMIT 10;",
    ),
    clause(
        "JOIN",
        &["LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "SEMI JOIN", "ANTI JOIN", "ON"],
        "left [LEFT | RIGHT | FULL | SEMI | ANTI] JOIN right ON condition WITHIN duration   … WITHIN before BEFORE AND after AFTER",
        "Pairs events at most so far apart, in either order. Rows without a partner come out when the watermark says that none can come.",
        "CREATE STREAM Order (id INT, at TIMESTAMP) TIMESTAMP BY at; CREATE STREAM Payment (order_id INT, amount FLOAT, at TIMESTAMP) TIMESTAMP BY at;\nSELECT o.id, p.amount FROM Order o LEFT JOIN Payment p ON o.id = p.order_id WITHIN 10 minutes;",
    ),
    clause(
        "ASOF JOIN",
        &["ASOF", "TOLERANCE"],
        "left [LEFT] ASOF JOIN right ON condition [TOLERANCE duration]",
        "The latest right row at or before the time of the left one; TOLERANCE bounds its age.",
        "CREATE STREAM Trade (symbol STRING, at TIMESTAMP) TIMESTAMP BY at; CREATE STREAM Quote (symbol STRING, bid FLOAT, at TIMESTAMP) TIMESTAMP BY at;\nSELECT t.symbol, q.bid FROM Trade t ASOF JOIN Quote q ON t.symbol = q.symbol TOLERANCE 5s;",
    ),
    clause(
        "FROM PATTERN",
        &["PATTERN", "->", "->>", "FOLLOWED BY", "SEQUENCE"],
        "FROM PATTERN (step arrow step …)",
        "`A -> B`: B follows A, whatever lies between. `A ->> B`: every later B, one match each. `A , B`: B is the very next event. `A | B`: \
         either. `A & B`: both, in any order. `A+ A* A? A{2,5}`: as many as fit; with `?` behind it, as few as will do. `!B`: no B.",
        "CREATE STREAM Payment (card STRING, amount FLOAT, at TIMESTAMP) TIMESTAMP BY at;\nSELECT hit.card FROM PATTERN (Payment probe{3,} -> Payment hit)\nPARTITION BY card WHERE probe.amount < 2 AND hit.amount > 500 WITHIN 10 minutes;",
    ),
    clause(
        "PARTITION BY",
        &["PARTITION"],
        "PARTITION BY column, …   PARTITION BY a.x = b.y",
        "Runs the pattern for each key on its own. The second form is for columns whose names differ.",
        "CREATE STREAM Order (id INT, at TIMESTAMP) TIMESTAMP BY at; CREATE STREAM Paid (order_id INT, at TIMESTAMP) TIMESTAMP BY at;\nSELECT o.id FROM PATTERN (Order o -> Paid p) PARTITION BY o.id = p.order_id WITHIN 1h;",
    ),
    clause(
        "WITHIN",
        &[],
        "WITHIN duration   WITHIN n EVENTS",
        "How long a match may be from its first event to its last, or how many events of the partition it may span; of a join, how far apart \
         its events may lie.",
        "CREATE STREAM Login (user STRING, at TIMESTAMP) TIMESTAMP BY at;\nSELECT a.user FROM PATTERN (Login a -> Login b) PARTITION BY user WITHIN 5 minutes;",
    ),
    clause(
        "NEGATION",
        &["!", "ABSENCE", "FOR", "NOT FOLLOWED BY"],
        "A -> !B   A -> !B -> C   A -> !B FOR 30s   !B -> A",
        "No B: until the WITHIN of the match is over, between A and C, in the 30 seconds after A, or before A.",
        "CREATE STREAM Order (id INT, at TIMESTAMP) TIMESTAMP BY at; CREATE STREAM Paid (id INT, at TIMESTAMP) TIMESTAMP BY at;\nSELECT o.id FROM PATTERN (Order o -> !Paid p) PARTITION BY id WITHIN 10 minutes;",
    ),
    clause(
        "UNTIL",
        &[],
        "A+ UNTIL B   A+ UNTIL (condition)",
        "The loop ends at the first B, which is no part of it.",
        "CREATE STREAM Temp (c FLOAT, at TIMESTAMP) TIMESTAMP BY at;\nSELECT COUNT(t) AS n FROM PATTERN (Temp t{2,} UNTIL (t.c < 5)) WITHIN 1h;",
    ),
    clause(
        "AFTER MATCH",
        &["SKIP", "CONSUME", "RESTART"],
        "AFTER MATCH SKIP PAST LAST EVENT | SKIP TO NEXT EVENT | SKIP TO FIRST v | SKIP TO LAST v | RESTART | CONSUME",
        "What other matches may use of one that has come out. Without it, everything: matches from different starts may overlap.",
        "CREATE STREAM Login (user STRING, at TIMESTAMP) TIMESTAMP BY at;\nSELECT a.user FROM PATTERN (Login a -> Login b) PARTITION BY user WITHIN 5m AFTER MATCH SKIP PAST LAST EVENT;",
    ),
    clause(
        "RUNS",
        &["RUNS LATEST"],
        "RUNS ALL | RUNS LATEST | RUNS n [ON OVERFLOW DROP OLDEST | ON OVERFLOW ERROR]",
        "How many runs of a pattern go on at once, per key. LATEST keeps for each step only the run whose events are latest, which bounds the \
         state.",
        "CREATE STREAM Login (user STRING, at TIMESTAMP) TIMESTAMP BY at;\nSELECT a.user FROM PATTERN (Login a -> Login b) PARTITION BY user WITHIN 1h RUNS LATEST;",
    ),
    clause(
        "TIMEOUT INTO",
        &["TIMEOUT"],
        "TIMEOUT INTO name",
        "A run that WITHIN ends before it has finished gives a row in that stream: the same columns, and `step`, what it waited for.",
        "CREATE STREAM Order (id INT, at TIMESTAMP) TIMESTAMP BY at; CREATE STREAM Paid (id INT, at TIMESTAMP) TIMESTAMP BY at;\nCREATE STREAM Done AS SELECT o.id FROM PATTERN (Order o -> Paid p) PARTITION BY id WITHIN 10m TIMEOUT INTO Unpaid;",
    ),
    clause(
        "SELECT ALL MATCHES",
        &["ALL MATCHES"],
        "SELECT ALL MATCHES … FROM PATTERN …",
        "Every way to match is a match, instead of the preferred one of each start.",
        "CREATE STREAM Login (user STRING, at TIMESTAMP) TIMESTAMP BY at;\nSELECT ALL MATCHES a.user FROM PATTERN (Login a -> Login b) PARTITION BY user WITHIN 5m;",
    ),
    clause(
        "SUPPRESS",
        &["DEDUPLICATE"],
        "SUPPRESS BY column, … FOR duration",
        "After a row, further rows with the same values are held back for so long; the next one that comes out has their number as `suppressed`.",
        "CREATE STREAM Alert (host STRING, at TIMESTAMP) TIMESTAMP BY at;\nSELECT host FROM Alert SUPPRESS BY host FOR 10 minutes;",
    ),
    clause(
        "MATCH_RECOGNIZE",
        &["DEFINE", "MEASURES"],
        "FROM stream MATCH_RECOGNIZE (PARTITION BY … ORDER BY … MEASURES … PATTERN (…) DEFINE …)",
        "Row pattern matching of SQL:2016. Its matches skip past their last row unless AFTER MATCH says otherwise.",
        "CREATE STREAM Trade (symbol STRING, price FLOAT, at TIMESTAMP) TIMESTAMP BY at;\nSELECT symbol, low FROM Trade MATCH_RECOGNIZE (\n    PARTITION BY symbol ORDER BY at\n    MEASURES LAST(down.price) AS low\n    PATTERN (down{2,5} up) WITHIN 1h\n    DEFINE down AS price < PREV(price), up AS price > PREV(price)\n);",
    ),
    clause(
        "DURATION",
        &["INTERVAL", "UNITS"],
        "10 minutes   10m   1h 30m   250 ms   INTERVAL '10' MINUTE",
        "A length of time: a number and a unit, any number of them. The units are ns us ms s m h d w and their English names.",
        "CREATE STREAM Payment (at TIMESTAMP) TIMESTAMP BY at DELAY 1m 30s;",
    ),
    clause(
        "TYPES",
        &["BOOL", "INT", "FLOAT", "DECIMAL", "STRING", "TIMESTAMP", "LIST", "STRUCT", "JSON"],
        "BOOL INT FLOAT DECIMAL(p,s) STRING TIMESTAMP DURATION LIST<T> STRUCT<name T, …> JSON",
        "A TIMESTAMP column takes RFC 3339 or epoch milliseconds; TIMESTAMP(s), (us), (ns) other units, TIMESTAMP FORMAT '…' other texts. A \
         column may say NOT NULL, DEFAULT expr, and FROM 'path.in.the.event'.",
        "CREATE STREAM Log (device STRING NOT NULL FROM 'client.device.id', tags LIST<STRING>, at TIMESTAMP FORMAT '%d/%b/%Y:%H:%M:%S %z') TIMESTAMP BY at;",
    ),
];

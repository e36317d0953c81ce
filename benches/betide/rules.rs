//! Many rules over one stream, as detection rules for Windows events are: the program, the events, and a naive count of the rows.
//!
//! Each rule is a sequence of two steps on one host within five minutes; each step has one to three terms on single events. Most rules name
//! something that hardly any event has, some of them something common. All is made from a seed that never changes.

use std::collections::HashMap;
use std::fmt::Write;

/// How far apart the steps of a match may be, in milliseconds.
const WITHIN: i64 = 5 * 60 * 1000;
/// Programs that run everywhere.
const COMMON: usize = 300;
const HOSTS: u64 = 2000;
const EVENT_IDS: [i64; 16] = [1, 3, 7, 10, 11, 13, 22, 4624, 4625, 4634, 4648, 4663, 4672, 4688, 4697, 5140];
const PORTS: [i64; 8] = [80, 443, 53, 445, 3389, 5985, 8080, 22];

/// How often events have what rules look for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mix {
    /// As on a good day: far less than one start of a rule an event, over all rules.
    Quiet,
    /// Several starts an event, over all rules.
    Busy,
}

/// An event.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    host: String,
    event_id: i64,
    image: String,
    parent: String,
    command: String,
    user: String,
    port: Option<i64>,
    bytes: i64,
    /// Milliseconds since 1970.
    at: i64,
}

/// A text column.
#[derive(Debug, Clone, Copy)]
enum Text {
    Image,
    Parent,
    Command,
    User,
}

/// A term of a step.
#[derive(Debug, Clone)]
enum Term {
    EventId(i64),
    Port(i64),
    BytesAbove(i64),
    Is(Text, String),
    Starts(Text, String),
    Ends(Text, String),
    Contains(Text, String),
    LikeEnd(Text, String),
    LikeMiddle(Text, String),
    AnyCase(Text, String),
    Among(Text, Vec<String>),
    NotEnd(Text, String),
}

/// A rule: the terms of its first and of its second step.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    first: Vec<Term>,
    second: Vec<Term>,
}

struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 20) % end
    }

    fn index(&mut self, end: usize) -> usize {
        usize::try_from(self.below(end as u64)).expect("below the length of a slice")
    }

    fn of<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.index(items.len())]
    }
}

/// So many rules.
pub(crate) fn rules(count: usize) -> Vec<Rule> {
    let mut random = Random(0x0051_93a7);
    (0..count).map(|number| rule(number, &mut random)).collect()
}

fn rule(number: usize, random: &mut Random) -> Rule {
    let tool = format!("tool{number}");
    let port = random.of(&PORTS);
    let rare_port = 1024 + i64::try_from(random.below(60_000)).expect("a port");
    let event_id = random.of(&EVENT_IDS);
    let other = format!("app{}", random.index(COMMON));
    let (first, second) = match number % 10 {
        0 => (vec![Term::EventId(4688), Term::LikeEnd(Text::Image, format!("\\{tool}.exe"))], vec![Term::EventId(3), Term::Port(port)]),
        1 => (
            vec![Term::EventId(1), Term::LikeMiddle(Text::Command, format!("-run {tool} "))],
            vec![Term::EventId(event_id), Term::Ends(Text::Image, format!("\\{other}.exe"))],
        ),
        2 => (
            vec![Term::EventId(4625), Term::Is(Text::User, format!("svc-{tool}"))],
            vec![Term::EventId(4624), Term::Is(Text::User, format!("svc-{tool}"))],
        ),
        3 => (vec![Term::EventId(3), Term::Port(rare_port)], vec![Term::EventId(event_id)]),
        4 => (
            vec![Term::Starts(Text::Image, format!("C:\\Users\\Public\\{tool}")), Term::NotEnd(Text::Parent, "\\explorer.exe".to_owned())],
            vec![Term::Contains(Text::Command, format!("/{other}"))],
        ),
        5 => (
            vec![Term::AnyCase(Text::Command, format!("Invoke-{tool} "))],
            vec![Term::EventId(event_id), Term::BytesAbove(100_000 + i64::try_from(random.below(800_000)).expect("bytes"))],
        ),
        6 => {
            (vec![Term::Among(Text::Image, (0..3).map(|n| format!("C:\\Windows\\Temp\\{tool}_{n}.exe")).collect())], vec![Term::EventId(3)])
        }
        7 => (
            vec![Term::BytesAbove(999_000 + i64::try_from(random.below(1_000)).expect("bytes")), Term::EventId(event_id)],
            vec![Term::Ends(Text::Parent, format!("\\{tool}.exe"))],
        ),
        8 => (
            vec![Term::EventId(1), Term::Ends(Text::Parent, format!("\\{tool}.exe"))],
            vec![Term::EventId(event_id), Term::Contains(Text::Image, other)],
        ),
        _ => (
            vec![Term::EventId(event_id), Term::Contains(Text::Command, format!("http://{tool}.example/"))],
            vec![Term::Port(port), Term::AnyCase(Text::Image, "\\APP1".to_owned())],
        ),
    };
    Rule { first, second }
}

impl Text {
    fn column(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Parent => "parent_image",
            Self::Command => "command_line",
            Self::User => "user_name",
        }
    }

    fn of(self, event: &Event) -> &str {
        match self {
            Self::Image => &event.image,
            Self::Parent => &event.parent,
            Self::Command => &event.command,
            Self::User => &event.user,
        }
    }
}

impl Term {
    fn sql(&self, step: &str) -> String {
        match self {
            Self::EventId(id) => format!("{step}.event_id = {id}"),
            Self::Port(port) => format!("{step}.port = {port}"),
            Self::BytesAbove(bytes) => format!("{step}.bytes > {bytes}"),
            Self::Is(column, text) => format!("{step}.{} = '{text}'", column.column()),
            Self::Starts(column, text) => format!("STARTS_WITH({step}.{}, '{text}')", column.column()),
            Self::Ends(column, text) => format!("ENDS_WITH({step}.{}, '{text}')", column.column()),
            Self::Contains(column, text) => format!("CONTAINS({step}.{}, '{text}')", column.column()),
            Self::LikeEnd(column, text) => format!("{step}.{} LIKE '%{text}'", column.column()),
            Self::LikeMiddle(column, text) => format!("{step}.{} LIKE '%{text}%'", column.column()),
            Self::AnyCase(column, text) => format!("{step}.{} ILIKE '%{text}%'", column.column()),
            Self::Among(column, texts) => {
                let texts: Vec<String> = texts.iter().map(|text| format!("'{text}'")).collect();
                format!("{step}.{} IN ({})", column.column(), texts.join(", "))
            }
            Self::NotEnd(column, text) => format!("NOT {step}.{} LIKE '%{text}'", column.column()),
        }
    }

    fn holds(&self, event: &Event) -> bool {
        match self {
            Self::EventId(id) => event.event_id == *id,
            Self::Port(port) => event.port == Some(*port),
            Self::BytesAbove(bytes) => event.bytes > *bytes,
            Self::Is(column, text) => column.of(event) == text,
            Self::Starts(column, text) => column.of(event).starts_with(text.as_str()),
            Self::Ends(column, text) | Self::LikeEnd(column, text) => column.of(event).ends_with(text.as_str()),
            Self::Contains(column, text) | Self::LikeMiddle(column, text) => column.of(event).contains(text.as_str()),
            Self::AnyCase(column, text) => column.of(event).to_lowercase().contains(&text.to_lowercase()),
            Self::Among(column, texts) => texts.iter().any(|text| text == column.of(event)),
            Self::NotEnd(column, text) => !column.of(event).ends_with(text.as_str()),
        }
    }
}

/// The program of these rules.
pub(crate) fn program(rules: &[Rule]) -> String {
    let mut text = String::from(
        "CREATE STREAM Event (host STRING, event_id INT, image STRING, parent_image STRING, command_line STRING, user_name STRING,\n\
         port INT, bytes INT, at TIMESTAMP) TIMESTAMP BY at;\n",
    );
    for (number, rule) in rules.iter().enumerate() {
        let terms = rule.first.iter().map(|term| term.sql("a")).chain(rule.second.iter().map(|term| term.sql("b")));
        let terms: Vec<String> = terms.collect();
        writeln!(
            text,
            "CREATE STREAM Rule{number} AS SELECT a.host, a.image, b.event_id, b.at FROM PATTERN (Event a -> Event b) PARTITION BY host\n\
             WHERE {} WITHIN 5m;",
            terms.join(" AND ")
        )
        .expect("a text takes all that is written");
    }
    text
}

/// So many events, in order, about a thousand a second, for so many rules.
pub(crate) fn events(count: usize, rules: usize, mix: Mix) -> impl Iterator<Item = Event> {
    let mut random = Random(0x7ab1_e5ee);
    let mut at = 1_772_359_200_000;
    // Of a thousand events, so many have something that a rule looks for.
    let (of_tools, large) = match mix {
        Mix::Quiet => (20, 1),
        Mix::Busy => (400, 10),
    };
    (0..count).map(move |_| {
        at += i64::try_from(random.below(3)).expect("milliseconds");
        let tool = (random.below(1000) < of_tools).then(|| format!("tool{}", random.index(rules)));
        event(at, tool.as_deref(), random.below(1000) < large, &mut random)
    })
}

fn event(at: i64, tool: Option<&str>, is_large: bool, random: &mut Random) -> Event {
    let app = |random: &mut Random| {
        let app = random.index(COMMON);
        format!("C:\\Program Files\\Vendor{}\\app{app}.exe", app % 23)
    };
    let event_id = EVENT_IDS[random.index(EVENT_IDS.len()).min(random.index(EVENT_IDS.len()))];
    let mut event = Event {
        host: format!("host-{}", random.below(HOSTS)),
        event_id,
        image: app(random),
        parent: if random.below(4) == 0 { "C:\\Windows\\explorer.exe".to_owned() } else { app(random) },
        command: format!("/app{} /session {}", random.index(COMMON), random.below(5000)),
        user: format!("user{}", random.below(800)),
        port: (event_id == 3)
            .then(|| if random.below(50) == 0 { 1024 + i64::try_from(random.below(60_000)).expect("a port") } else { random.of(&PORTS) }),
        bytes: i64::try_from(if is_large { 999_000 + random.below(1_000) } else { random.below(20_000) }).expect("bytes"),
        at,
    };
    let Some(tool) = tool else { return event };
    match random.below(8) {
        0 => event.image = format!("C:\\Temp\\{tool}.exe"),
        1 => event.command = format!("cmd -run {tool} -q"),
        2 => event.user = format!("svc-{tool}"),
        3 => event.image = format!("C:\\Users\\Public\\{tool}.bin"),
        4 => event.command = format!("powershell INVOKE-{} -x", tool.to_uppercase()),
        5 => event.image = format!("C:\\Windows\\Temp\\{tool}_{}.exe", random.below(3)),
        6 => event.parent = format!("D:\\{tool}.exe"),
        _ => event.command = format!("curl http://{tool}.example/a"),
    }
    event
}

/// The event as a line of JSON.
pub(crate) fn json_line(event: &Event, text: &mut String) {
    let escaped = |text: &str| text.replace('\\', "\\\\");
    let Event { host, event_id, image, parent, command, user, port, bytes, at } = event;
    let port = port.map_or("null".to_owned(), |port| port.to_string());
    writeln!(
        text,
        r#"{{"host":"{host}","event_id":{event_id},"image":"{}","parent_image":"{}","command_line":"{}","user_name":"{user}","port":{port},"bytes":{bytes},"at":{at}}}"#,
        escaped(image),
        escaped(parent),
        escaped(command),
    )
    .expect("a text takes all that is written");
}

/// How many rows the rules give, found with a list of waiting starts a rule and host. Rules are only looked at for the event's number, or
/// where they name none.
pub(crate) fn count(rules: &[Rule], events: impl Iterator<Item = Event>) -> u64 {
    let id_of = |terms: &[Term]| terms.iter().find_map(|term| if let Term::EventId(id) = term { Some(*id) } else { None });
    let mut firsts: HashMap<Option<i64>, Vec<usize>> = HashMap::new();
    for (number, rule) in rules.iter().enumerate() {
        firsts.entry(id_of(&rule.first)).or_default().push(number);
    }
    // By host, the rules that wait there with the times of their starts.
    let mut waiting: HashMap<String, HashMap<usize, Vec<i64>>> = HashMap::new();
    let mut rows = 0;
    for event in events {
        let here = waiting.entry(event.host.clone()).or_default();
        here.retain(|&number, starts| {
            starts.retain(|start| event.at - start <= WITHIN);
            if rules[number].second.iter().all(|term| term.holds(&event)) {
                rows += starts.len() as u64;
                return false;
            }
            !starts.is_empty()
        });
        for key in [Some(event.event_id), None] {
            for &number in firsts.get(&key).map_or(&[][..], |numbers| numbers) {
                if rules[number].first.iter().all(|term| term.holds(&event)) {
                    here.entry(number).or_default().push(event.at);
                }
            }
        }
    }
    rows
}

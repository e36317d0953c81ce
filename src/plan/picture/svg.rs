//! A picture drawn as SVG: the operators from top to bottom, and below them the steps of each pattern from left to right.
//!
//! It needs no font and no script of its own, and is light on dark grounds too: every panel brings its ground.

use std::fmt::Write;

use super::layout::{Layout, Link, Room, Size, Way, layout};
use super::measure::{width, wrapped};
use super::{Arrow, Group, Picture, Shape, Shown};

const STYLE: &str = "<style>\
    text{font-family:Inter,'Helvetica Neue',Helvetica,Arial,sans-serif;fill:#0f172a}\
    .title{font-size:14px;font-weight:600}.line{font-size:12px;fill:#334155}.figure{font-size:12px;font-weight:600;fill:#1e40af}\
    .kind{font-size:11px;fill:#64748b}.panel{font-size:13px;font-weight:600;fill:#475569}.label{font-size:12px;fill:#475569}\
    .no .label{fill:#b91c1c}.ground{fill:#fff}.inside{fill:#f8fafc;stroke:#e2e8f0}.box{fill:#fff;stroke:#94a3b8}\
    .arrow{fill:none;stroke:#64748b;stroke-width:1.5}.no .arrow{stroke:#b91c1c;stroke-dasharray:5 4}\
    .source{fill:#dcfce7}.operator{fill:#dbeafe}.output{fill:#fef3c7}.step{fill:#ede9fe}.point{fill:#475569}\
    .rule{stroke:#e2e8f0}.halo{paint-order:stroke;stroke:#f8fafc;stroke-width:4px;stroke-linejoin:round}</style>";

const ARROW_HEADS: &str = "<defs>\
    <marker id=\"to\" viewBox=\"0 0 8 8\" refX=\"7.5\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" markerUnits=\"userSpaceOnUse\" \
    orient=\"auto\"><path d=\"M0,0L8,4L0,8z\" fill=\"#64748b\"/></marker>\
    <marker id=\"no\" viewBox=\"0 0 8 8\" refX=\"7.5\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" markerUnits=\"userSpaceOnUse\" \
    orient=\"auto\"><path d=\"M0,0L8,4L0,8z\" fill=\"#b91c1c\"/></marker></defs>";

/// Around everything, and between panels.
const MARGIN: f64 = 28.0;
/// Inside of boxes.
const PADDING: f64 = 12.0;
const HEAD: f64 = 28.0;
const LINE: f64 = 17.0;
const TITLE_SIZE: f64 = 14.0;
const LINE_SIZE: f64 = 12.0;
/// Figures are as large, and bold: so they are wider.
const FIGURE_SIZE: f64 = 13.0;
/// Sentences in boxes are wrapped at this width.
const WIDEST: f64 = 380.0;
/// What a loop takes above its step.
const LOOP: f64 = 38.0;
/// Half the width of where a pattern begins and ends.
const POINT: f64 = 9.0;

pub(super) fn write(picture: &Picture) -> String {
    let mut panels = vec![Panel::of_operators(picture)];
    panels.extend(picture.groups.iter().map(Panel::of_steps));
    let wide = panels.iter().map(Panel::width).fold(0.0, f64::max) + 2.0 * MARGIN;
    let mut body = String::new();
    let mut y = MARGIN;
    for panel in &panels {
        panel.draw(&mut body, y, wide);
        y += panel.height() + MARGIN;
    }
    let caption = picture.caption.iter().map(|line| line.trim()).filter(|line| *line != "run");
    for line in caption {
        text(&mut body, "line", (MARGIN, y), &line.split_whitespace().collect::<Vec<_>>().join(" "));
        y += LINE;
    }
    if !picture.caption.is_empty() {
        y += MARGIN - LINE;
    }
    let captions = picture.caption.iter().map(|line| width(line.trim(), LINE_SIZE) + 2.0 * MARGIN).fold(wide, f64::max);
    let (wide, high) = (captions.ceil(), y.ceil());
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-label=\"the operators of a betide \
         program\" viewBox=\"0 0 {wide} {high}\" width=\"{wide}\" height=\"{high}\">\n{STYLE}\n{ARROW_HEADS}\n\
         <rect class=\"ground\" width=\"{wide}\" height=\"{high}\"/>\n{body}</svg>\n"
    )
}

/// Which way a panel goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Axis {
    Down,
    Right,
}

/// A part of the picture with boxes and arrows.
struct Panel<'p> {
    title: String,
    axis: Axis,
    boxes: Vec<Drawn<'p>>,
    arrows: Vec<&'p Arrow>,
    layout: Layout,
}

/// A box with its text in lines.
struct Drawn<'p> {
    shown: &'p Shown,
    lines: Vec<String>,
    figures: Vec<String>,
    wide: f64,
    high: f64,
    /// A loop stands above it.
    has_loop: bool,
}

impl<'p> Panel<'p> {
    fn of_operators(picture: &'p Picture) -> Self {
        let boxes = picture.boxes.iter().map(Drawn::of_operator).collect();
        Self::new("Operators".to_owned(), Axis::Down, boxes, picture.arrows.iter().collect())
    }

    fn of_steps(group: &'p Group) -> Self {
        let boxes = group.boxes.iter().map(|shown| Drawn::of_step(shown, &group.arrows)).collect();
        let mut title = group.title.clone();
        title.replace_range(..1, &title[..1].to_uppercase());
        Self::new(title, Axis::Right, boxes, group.arrows.iter().collect())
    }

    fn new(title: String, axis: Axis, boxes: Vec<Drawn<'p>>, arrows: Vec<&'p Arrow>) -> Self {
        let number = |id: &str| boxes.iter().position(|drawn| drawn.shown.id == id).unwrap_or_default();
        let label = |arrow: &Arrow| match (axis, arrow.label.is_empty()) {
            (_, true) => 0.0,
            (Axis::Right, false) => width(&arrow.label, LINE_SIZE) + 12.0,
            (Axis::Down, false) => 10.0,
        };
        let links: Vec<Link> =
            arrows.iter().map(|arrow| Link { from: number(&arrow.from), to: number(&arrow.to), label: label(arrow) }).collect();
        let sizes: Vec<Size> = boxes.iter().map(|drawn| drawn.size(axis)).collect();
        let room = match axis {
            Axis::Down => Room { layers: 44.0, boxes: 28.0 },
            Axis::Right => Room { layers: 44.0, boxes: 20.0 },
        };
        let layout = layout(&sizes, &links, room);
        Self { title, axis, boxes, arrows, layout }
    }

    /// Of the drawing, without its title.
    fn size(&self) -> (f64, f64) {
        self.point(self.layout.size)
    }

    /// A point of the layout as x and y.
    fn point(&self, (main, cross): (f64, f64)) -> (f64, f64) {
        match self.axis {
            Axis::Down => (cross, main),
            Axis::Right => (main, cross),
        }
    }

    fn width(&self) -> f64 {
        match self.axis {
            Axis::Down => self.size().0.max(width(&self.title, TITLE_SIZE)),
            Axis::Right => self.size().0.max(width(&self.title, TITLE_SIZE)) + 4.0 * PADDING,
        }
    }

    fn height(&self) -> f64 {
        match self.axis {
            Axis::Down => HEAD + self.size().1,
            Axis::Right => HEAD + self.size().1 + 4.0 * PADDING,
        }
    }

    fn draw(&self, out: &mut String, y: f64, wide: f64) {
        let (mut left, mut top) = ((wide - self.size().0) / 2.0, y + HEAD);
        if self.axis == Axis::Right {
            let (across, high) = (wide - 2.0 * MARGIN, self.height());
            let _ =
                writeln!(out, "<rect class=\"inside\" x=\"{MARGIN}\" y=\"{y:.1}\" width=\"{across:.1}\" height=\"{high:.1}\" rx=\"10\"/>");
            (left, top) = (MARGIN + 2.0 * PADDING, y + HEAD + 2.0 * PADDING);
        }
        let title_at = if self.axis == Axis::Right { (MARGIN + PADDING, y + 20.0) } else { (MARGIN, y + 10.0) };
        text(out, "panel", title_at, &self.title);
        let _ = writeln!(out, "<g transform=\"translate({left:.1} {top:.1})\">");
        for (arrow, way) in self.arrows.iter().zip(&self.layout.ways) {
            self.arrow(out, arrow, way);
        }
        for (drawn, &middle) in self.boxes.iter().zip(&self.layout.boxes) {
            drawn.draw(out, self.point(middle));
        }
        *out += "</g>\n";
    }

    fn arrow(&self, out: &mut String, arrow: &Arrow, way: &Way) {
        let head = if arrow.forbids { "no" } else { "to" };
        let _ = write!(out, "<g class=\"{head}\">");
        let (path, label) = if way.points.is_empty() { self.loop_of(arrow) } else { self.path(way) };
        let _ = write!(out, "<path class=\"arrow\" d=\"{path}\" marker-end=\"url(#{head})\"/>");
        if !arrow.label.is_empty() {
            let ((x, y), anchor) = label;
            let _ = write!(
                out,
                "<text class=\"label halo\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>",
                escaped(&arrow.label)
            );
        }
        *out += "</g>\n";
    }

    /// Straight and curved in turn; and where its label stands: before its head.
    fn path(&self, way: &Way) -> (String, ((f64, f64), &'static str)) {
        let points: Vec<(f64, f64)> = way.points.iter().map(|&point| self.point(point)).collect();
        let mut path = format!("M{:.1},{:.1}", points[0].0, points[0].1);
        for (at, pair) in points.windows(2).enumerate() {
            let [(a, b), (x, y)] = [pair[0], pair[1]];
            if at % 2 == 0 {
                if (a - x).abs() + (b - y).abs() > 0.5 {
                    let _ = write!(path, "L{x:.1},{y:.1}");
                }
                continue;
            }
            let (half_x, half_y) = if self.axis == Axis::Down { (0.0, (y - b) / 2.0) } else { ((x - a) / 2.0, 0.0) };
            let _ = write!(path, "C{:.1},{:.1} {:.1},{:.1} {x:.1},{y:.1}", a + half_x, b + half_y, x - half_x, y - half_y);
        }
        let (x, y) = points[points.len() - 2];
        let label = match (self.axis, way.is_back) {
            (Axis::Down, _) => ((x + 7.0, y - 12.0), "start"),
            (Axis::Right, false) => ((x - 11.0, y - 5.0), "end"),
            (Axis::Right, true) => ((x + 11.0, y - 5.0), "start"),
        };
        (path, label)
    }

    /// An arrow above a box, from it to itself.
    fn loop_of(&self, arrow: &Arrow) -> (String, ((f64, f64), &'static str)) {
        let number = self.boxes.iter().position(|drawn| drawn.shown.id == arrow.from).unwrap_or_default();
        let (x, middle) = self.point(self.layout.boxes[number]);
        let top = middle - self.boxes[number].high / 2.0;
        let path = format!(
            "M{:.1},{top:.1}C{:.1},{:.1} {:.1},{:.1} {:.1},{top:.1}",
            x - 15.0,
            x - 24.0,
            top - 27.0,
            x + 24.0,
            top - 27.0,
            x + 15.0
        );
        (path, ((x, top - 25.0), "middle"))
    }
}

impl<'p> Drawn<'p> {
    fn of_operator(shown: &'p Shown) -> Self {
        let all = |lines: &[String], size: f64| lines.iter().flat_map(|line| wrapped(line, size, WIDEST)).collect::<Vec<_>>();
        let (lines, figures) = (all(&shown.lines, LINE_SIZE), all(&shown.figures, FIGURE_SIZE));
        let head = width(&shown.title, TITLE_SIZE) + width(kind(shown.shape), 11.0) + 20.0;
        let widest = |lines: &[String], size: f64| lines.iter().map(|line| width(line, size)).fold(0.0, f64::max);
        let widest = widest(&lines, LINE_SIZE).max(widest(&figures, FIGURE_SIZE)).max(head).max(90.0);
        let part = |lines: &[String]| if lines.is_empty() { 0.0 } else { lines.len() as f64 * LINE + 12.0 };
        let high = HEAD + part(&lines) + part(&figures);
        Self { shown, lines, figures, wide: widest + 2.0 * PADDING, high, has_loop: false }
    }

    fn of_step(shown: &'p Shown, arrows: &[Arrow]) -> Self {
        if shown.shape == Shape::Point {
            return Self { shown, lines: Vec::new(), figures: Vec::new(), wide: 2.0 * POINT, high: 2.0 * POINT, has_loop: false };
        }
        let loops: Vec<&Arrow> = arrows.iter().filter(|arrow| arrow.from == shown.id && arrow.to == shown.id).collect();
        let of_loop = loops.iter().map(|arrow| width(&arrow.label, LINE_SIZE)).fold(0.0, f64::max);
        let figures: Vec<String> = shown.figures.iter().flat_map(|line| wrapped(line, FIGURE_SIZE, WIDEST)).collect();
        let widest =
            figures.iter().map(|line| width(line, FIGURE_SIZE)).fold(width(&shown.title, TITLE_SIZE).max(of_loop).max(44.0), f64::max);
        let ends = |of: &dyn Fn(&Arrow) -> &str| arrows.iter().filter(|arrow| arrow.from != arrow.to && of(arrow) == shown.id).count();
        let most = ends(&|arrow| &arrow.from).max(ends(&|arrow| &arrow.to)) as f64;
        let high = (HEAD + 8.0 + figures.len() as f64 * LINE).max((most + 1.0) * 22.0);
        Self { shown, lines: Vec::new(), figures, wide: widest + 2.0 * PADDING, high, has_loop: !loops.is_empty() }
    }

    fn size(&self, axis: Axis) -> Size {
        let above = if self.has_loop { 2.0 * LOOP } else { 0.0 };
        match (axis, self.shown.shape) {
            (Axis::Down, _) => Size { main: self.high, cross: self.wide, side: self.wide },
            (Axis::Right, Shape::Point) => Size { main: self.wide, cross: self.high + 2.0 * LINE, side: 0.0 },
            (Axis::Right, _) => Size { main: self.wide, cross: self.high + above, side: self.high },
        }
    }

    fn draw(&self, out: &mut String, (x, y): (f64, f64)) {
        match self.shown.shape {
            Shape::Source | Shape::Operator | Shape::Output => self.draw_operator(out, (x - self.wide / 2.0, y - self.high / 2.0)),
            Shape::Step => self.draw_step(out, (x, y - self.high / 2.0)),
            Shape::Point => self.draw_point(out, (x, y)),
        }
    }

    fn draw_operator(&self, out: &mut String, (x, y): (f64, f64)) {
        let class = class(self.shown.shape);
        let (wide, high) = (self.wide, self.high);
        let _ = writeln!(out, "<rect class=\"box\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{wide:.1}\" height=\"{high:.1}\" rx=\"7\"/>");
        // The head has round corners above, and below them where nothing follows.
        let round = if self.lines.is_empty() && self.figures.is_empty() { "a6.5,6.5 0 0 1 -6.5,6.5h-" } else { "v6.5h-" };
        let (inner, head) = (wide - 1.0, HEAD - 1.0);
        let (x1, y1) = (x + 0.5, y + 0.5);
        let path = if round.starts_with('a') {
            format!(
                "M{:.1},{y1:.1}h{:.1}a6.5,6.5 0 0 1 6.5,6.5v{:.1}a6.5,6.5 0 0 1 -6.5,6.5h-{:.1}a6.5,6.5 0 0 1 -6.5,-6.5v-{:.1}a6.5,6.5 0 0 1 6.5,-6.5z",
                x1 + 6.5,
                inner - 13.0,
                head - 13.0,
                inner - 13.0,
                head - 13.0
            )
        } else {
            format!(
                "M{:.1},{y1:.1}h{:.1}a6.5,6.5 0 0 1 6.5,6.5v{:.1}h-{:.1}v-{:.1}a6.5,6.5 0 0 1 6.5,-6.5z",
                x1 + 6.5,
                inner - 13.0,
                head - 6.5,
                inner,
                head - 6.5
            )
        };
        let _ = writeln!(out, "<path class=\"{class}\" d=\"{path}\"/>");
        text(out, "title", (x + PADDING, y + 19.0), &self.shown.title);
        let kind = kind(self.shown.shape);
        if !kind.is_empty() {
            let _ = writeln!(
                out,
                "<text class=\"kind\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{kind}</text>",
                x + wide - PADDING,
                y + 19.0
            );
        }
        let mut at = y + HEAD;
        for (class, lines) in [("line", &self.lines), ("figure", &self.figures)] {
            if lines.is_empty() {
                continue;
            }
            if class == "figure" && !self.lines.is_empty() {
                let _ = writeln!(out, "<line class=\"rule\" x1=\"{x:.1}\" y1=\"{at:.1}\" x2=\"{:.1}\" y2=\"{at:.1}\"/>", x + wide);
            }
            for (number, line) in lines.iter().enumerate() {
                text(out, class, (x + PADDING, at + 18.0 + number as f64 * LINE), line);
            }
            at += lines.len() as f64 * LINE + 12.0;
        }
    }

    fn draw_step(&self, out: &mut String, (x, y): (f64, f64)) {
        let (left, wide, high) = (x - self.wide / 2.0, self.wide, self.high);
        let round = (high / 2.0).min(18.0);
        let _ = writeln!(
            out,
            "<rect class=\"step\" stroke=\"#8b5cf6\" x=\"{left:.1}\" y=\"{y:.1}\" width=\"{wide:.1}\" height=\"{high:.1}\" rx=\"{round:.1}\"/>"
        );
        let text_high = LINE * (self.figures.len() as f64 + 1.0);
        let first = y + (high - text_high) / 2.0 + 13.0;
        for (number, (class, line)) in
            std::iter::once(("title", &self.shown.title)).chain(self.figures.iter().map(|line| ("figure", line))).enumerate()
        {
            let at = first + number as f64 * LINE;
            let _ = writeln!(out, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{at:.1}\" text-anchor=\"middle\">{}</text>", escaped(line));
        }
    }

    fn draw_point(&self, out: &mut String, (x, y): (f64, f64)) {
        let is_end = self.shown.id.ends_with("end");
        if is_end {
            let _ = writeln!(out, "<circle class=\"box\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{POINT}\"/>");
        }
        let inner = if is_end { POINT - 4.0 } else { POINT };
        let _ = writeln!(out, "<circle class=\"point\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{inner}\"/>");
        let below = y + POINT + 14.0;
        let _ = writeln!(
            out,
            "<text class=\"kind\" x=\"{x:.1}\" y=\"{below:.1}\" text-anchor=\"middle\">{}</text>",
            escaped(&self.shown.title)
        );
    }
}

/// What is said in the corner of a box whose title does not say what it is.
fn kind(shape: Shape) -> &'static str {
    match shape {
        Shape::Source => "source",
        Shape::Output => "output",
        Shape::Operator | Shape::Step | Shape::Point => "",
    }
}

fn class(shape: Shape) -> &'static str {
    match shape {
        Shape::Source => "source",
        Shape::Output => "output",
        Shape::Operator => "operator",
        Shape::Step => "step",
        Shape::Point => "point",
    }
}

fn text(out: &mut String, class: &str, (x, y): (f64, f64), what: &str) {
    let _ = writeln!(out, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", escaped(what));
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

//! Where boxes and arrows stand: layer by layer, after Sugiyama, Tagawa and Toda (1981).
//!
//! In: sizes of boxes and who leads to whom. Out: where each box stands, and the points that each arrow goes through. Along the *main* axis
//! (down, or to the right) stand the layers; *across* it the boxes of one. An arrow over several layers has a place of its own in each between,
//! so no arrow crosses a box; one that leads back goes the same way, from its end. Boxes stand as near to the middle of their neighbours
//! as those beside them leave room.

/// A box: how long it is along the main axis, and across; and how much of that arrows may end at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Size {
    pub(super) main: f64,
    pub(super) cross: f64,
    pub(super) side: f64,
}

/// An arrow from a box to another; `label` is the room that its label needs along the main axis.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) label: f64,
}

/// Room between things.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    /// Between layers.
    pub(super) layers: f64,
    /// Between boxes of a layer.
    pub(super) boxes: f64,
}

/// A point: along the main axis, and across.
pub(super) type Point = (f64, f64);

/// How an arrow goes.
#[derive(Debug, Clone, Default)]
pub(super) struct Way {
    /// From the box that it leaves to the one that it enters; from each point of even number to the next it goes straight, from those of odd
    /// number it curves. Nothing where it leads from a box to itself.
    pub(super) points: Vec<Point>,
    /// It goes against the main axis.
    pub(super) is_back: bool,
}

/// Where all stands.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// The middle of each box.
    pub(super) boxes: Vec<Point>,
    /// In the order of the links.
    pub(super) ways: Vec<Way>,
    /// From 0 to here.
    pub(super) size: (f64, f64),
}

/// More arrows than this between two layers are not counted for crossings: that takes the square of them.
const COUNTED: usize = 2_000;

/// A box or the place of an arrow in a layer, with its neighbours.
#[derive(Debug)]
struct Place {
    rank: usize,
    size: Size,
    is_box: bool,
    /// Where its middle is, across.
    at: f64,
    before: Vec<usize>,
    behind: Vec<usize>,
}

/// Lays boxes out.
pub(super) fn layout(sizes: &[Size], links: &[Link], room: Room) -> Layout {
    if sizes.is_empty() {
        return Layout::default();
    }
    let is_back = back_links(sizes.len(), links);
    let forward: Vec<(usize, usize)> =
        links.iter().zip(&is_back).map(|(link, back)| if *back { (link.to, link.from) } else { (link.from, link.to) }).collect();
    let ranks = ranks(sizes.len(), &forward);
    let mut places: Vec<Place> = ranks.iter().zip(sizes).map(|(&rank, &size)| Place::new(rank, size, true)).collect();
    let chains: Vec<Vec<usize>> = forward.iter().map(|&(from, to)| chain(&mut places, from, to)).collect();
    let mut layers: Vec<Vec<usize>> = vec![Vec::new(); ranks.iter().max().map_or(0, |last| last + 1)];
    places.iter().enumerate().for_each(|(index, place)| layers[place.rank].push(index));
    order(&mut layers, &places);
    settle(&layers, &mut places, room);
    draw(&layers, &places, &Links { links, is_back: &is_back, chains: &chains }, sizes.len(), room)
}

impl Place {
    fn new(rank: usize, size: Size, is_box: bool) -> Self {
        Self { rank, size, is_box, at: 0.0, before: Vec::new(), behind: Vec::new() }
    }
}

/// The links that lead back to a box that they come from.
fn back_links(boxes: usize, links: &[Link]) -> Vec<bool> {
    let mut is_back = vec![false; links.len()];
    let of: Vec<Vec<usize>> = (0..boxes).map(|index| (0..links.len()).filter(|&link| links[link].from == index).collect()).collect();
    let (mut seen, mut is_open) = (vec![false; boxes], vec![false; boxes]);
    for root in 0..boxes {
        let mut path: Vec<(usize, usize)> = if seen[root] { Vec::new() } else { vec![(root, 0)] };
        while let Some((index, next)) = path.last_mut() {
            let index = *index;
            (seen[index], is_open[index]) = (true, true);
            let Some(&link) = of[index].get(*next) else {
                is_open[index] = false;
                path.pop();
                continue;
            };
            *next += 1;
            let to = links[link].to;
            if is_open[to] {
                is_back[link] = true;
            } else if !seen[to] {
                path.push((to, 0));
            }
        }
    }
    is_back
}

/// The layer of each box: behind all that lead to it. One that nothing leads to stands right before the first that it leads to.
fn ranks(boxes: usize, links: &[(usize, usize)]) -> Vec<usize> {
    let links: Vec<(usize, usize)> = links.iter().copied().filter(|(from, to)| from != to).collect();
    let mut ranks = vec![0; boxes];
    // As often as there are layers; nothing leads in a circle any more.
    loop {
        let mut moved = false;
        for &(from, to) in &links {
            if ranks[to] <= ranks[from] {
                ranks[to] = ranks[from] + 1;
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    for index in 0..boxes {
        let first = links.iter().filter(|(from, _)| *from == index).map(|(_, to)| ranks[*to]).min();
        if let (Some(first), false) = (first, links.iter().any(|(_, to)| *to == index)) {
            ranks[index] = first - 1;
        }
    }
    ranks
}

/// The places of an arrow: the box that it leaves, one in each layer between, the box that it enters. Nothing from a box to itself.
fn chain(places: &mut Vec<Place>, from: usize, to: usize) -> Vec<usize> {
    if from == to {
        return Vec::new();
    }
    let mut all = vec![from];
    for rank in places[from].rank + 1..places[to].rank {
        places.push(Place::new(rank, Size { main: 0.0, cross: 8.0, side: 0.0 }, false));
        all.push(places.len() - 1);
    }
    all.push(to);
    for pair in all.windows(2) {
        places[pair[0]].behind.push(pair[1]);
        places[pair[1]].before.push(pair[0]);
    }
    all
}

/// Puts the places of each layer in an order in which few arrows cross: each toward the middle of its neighbours, to and fro.
fn order(layers: &mut [Vec<usize>], places: &[Place]) {
    let mut best = layers.to_vec();
    let mut fewest = crossings(&best, places);
    for sweep in 0..8 {
        if fewest == 0 {
            break;
        }
        let numbers: Vec<usize> =
            if sweep % 2 == 0 { (1..layers.len()).collect() } else { (0..layers.len().saturating_sub(1)).rev().collect() };
        for number in numbers {
            let position = positions(layers, places.len());
            let middle = |index: usize| {
                let neighbours = if sweep % 2 == 0 { &places[index].before } else { &places[index].behind };
                let sum: usize = neighbours.iter().map(|&other| position[other]).sum();
                if neighbours.is_empty() { position[index] as f64 } else { sum as f64 / neighbours.len() as f64 }
            };
            layers[number].sort_by(|&a, &b| middle(a).total_cmp(&middle(b)));
        }
        let now = crossings(layers, places);
        if now < fewest {
            (fewest, best) = (now, layers.to_vec());
        }
    }
    layers.clone_from_slice(&best);
}

/// Where each place stands in its layer.
fn positions(layers: &[Vec<usize>], places: usize) -> Vec<usize> {
    let mut position = vec![0; places];
    layers.iter().for_each(|layer| layer.iter().enumerate().for_each(|(at, &index)| position[index] = at));
    position
}

fn crossings(layers: &[Vec<usize>], places: &[Place]) -> usize {
    let position = positions(layers, places.len());
    let of_layer = |layer: &Vec<usize>| {
        let arrows: Vec<(usize, usize)> = layer
            .iter()
            .flat_map(|&from| places[from].behind.iter().map(move |&to| (from, to)))
            .map(|(a, b)| (position[a], position[b]))
            .collect();
        if arrows.len() > COUNTED {
            return 0;
        }
        let crosses = |a: &(usize, usize), b: &(usize, usize)| (a.0 < b.0 && a.1 > b.1) || (a.0 > b.0 && a.1 < b.1);
        arrows.iter().enumerate().map(|(at, a)| arrows[at + 1..].iter().filter(|b| crosses(a, b)).count()).sum()
    };
    layers.iter().map(of_layer).sum()
}

/// Finds where each place stands across, in the order that it has.
fn settle(layers: &[Vec<usize>], places: &mut [Place], room: Room) {
    for layer in layers {
        place(layer, places, room, &|_, _| 0.0);
    }
    for sweep in 0..12 {
        let down = sweep % 2 == 0;
        let numbers: Vec<usize> = if down { (0..layers.len()).collect() } else { (0..layers.len()).rev().collect() };
        for number in numbers {
            place(&layers[number], places, room, &|places, index| {
                let near: &[usize] = match (down, &*places[index].before, &*places[index].behind) {
                    (true, [], behind) | (false, _, behind @ [_, ..]) => behind,
                    (true, before, _) | (false, before, []) => before,
                };
                let sum: f64 = near.iter().map(|&other| places[other].at).sum();
                if near.is_empty() { places[index].at } else { sum / near.len() as f64 }
            });
        }
    }
}

/// Puts the places of a layer as near as they can be to where they want to be, with room between: least squares over an order, by pooling
/// neighbours that would stand in each other's way.
fn place(layer: &[usize], places: &mut [Place], room: Room, wanted: &dyn Fn(&[Place], usize) -> f64) {
    let mut offsets = vec![0.0];
    for pair in layer.windows(2) {
        let (a, b) = (&places[pair[0]], &places[pair[1]]);
        let between = if a.is_box && b.is_box { room.boxes } else { room.boxes * 0.6 };
        offsets.push(offsets[offsets.len() - 1] + (a.size.cross + b.size.cross) / 2.0 + between);
    }
    // Pools of places that touch: where the first would stand, and how many there are.
    let mut pools: Vec<(f64, usize)> = Vec::new();
    for (&index, offset) in layer.iter().zip(&offsets) {
        let mut pool = (wanted(places, index) - offset, 1);
        while let Some(&(before, count)) = pools.last().filter(|(before, _)| *before > pool.0) {
            pools.pop();
            let both = count + pool.1;
            pool = ((before * count as f64 + pool.0 * pool.1 as f64) / both as f64, both);
        }
        pools.push(pool);
    }
    let starts = pools.iter().flat_map(|&(start, count)| std::iter::repeat_n(start, count));
    for ((&index, offset), start) in layer.iter().zip(&offsets).zip(starts) {
        places[index].at = start + offset;
    }
}

/// The arrows and what is known of them.
struct Links<'l> {
    links: &'l [Link],
    is_back: &'l [bool],
    chains: &'l [Vec<usize>],
}

/// Where layers begin and end along the main axis, and all points.
fn draw(layers: &[Vec<usize>], places: &[Place], links: &Links<'_>, boxes: usize, room: Room) -> Layout {
    let least = places.iter().map(|place| place.at - place.size.cross / 2.0).fold(f64::INFINITY, f64::min);
    let most = places.iter().map(|place| place.at + place.size.cross / 2.0).fold(f64::NEG_INFINITY, f64::max);
    let mut bands: Vec<(f64, f64)> = Vec::new();
    for (number, layer) in layers.iter().enumerate() {
        let start = bands.last().map_or(0.0, |(_, end)| end + gap(number, places, links, room));
        let thick = layer.iter().map(|&index| places[index].size.main).fold(0.0, f64::max);
        bands.push((start, start + thick));
    }
    let middle = |index: usize| {
        let (start, end) = bands[places[index].rank];
        ((start + end) / 2.0, places[index].at - least)
    };
    let ports = Ports::of(places, links);
    let ways = links.chains.iter().zip(links.is_back).enumerate().map(|(number, (chain, &is_back))| {
        let [from, between @ .., to] = &chain[..] else { return Way::default() };
        let end_of = |index: usize, sign: f64| middle(index).0 + sign * places[index].size.main / 2.0;
        let (leaves, enters) = (ports.behind[number] - least, ports.before[number] - least);
        let mut points = vec![(end_of(*from, 1.0), leaves), (bands[places[*from].rank].1, leaves)];
        for &index in between {
            let (start, end) = bands[places[index].rank];
            points.extend([(start, middle(index).1), (end, middle(index).1)]);
        }
        points.extend([(bands[places[*to].rank].0, enters), (end_of(*to, -1.0), enters)]);
        if is_back {
            points.reverse();
        }
        Way { points, is_back }
    });
    Layout {
        ways: ways.collect(),
        boxes: (0..boxes).map(middle).collect(),
        size: (bands.last().map_or(0.0, |(_, end)| *end), most - least),
    }
}

/// The room before a layer: labels of arrows that enter it stand there, and those of arrows that lead back behind the layer before.
fn gap(number: usize, places: &[Place], links: &Links<'_>, room: Room) -> f64 {
    let widest = |back: bool| {
        let here = links.links.iter().zip(links.is_back).zip(links.chains).filter(move |((_, is_back), _)| **is_back == back);
        let here = here.filter(|(_, chain)| match &chain[..] {
            [from, .., to] => places[*to].rank == number && !back || back && places[*from].rank + 1 == number,
            _ => false,
        });
        here.map(|((link, _), _)| link.label).fold(0.0, f64::max)
    };
    room.layers + widest(false) + widest(true)
}

/// Where arrows leave and enter boxes, across: side by side, in the order of where they lead.
struct Ports {
    behind: Vec<f64>,
    before: Vec<f64>,
}

impl Ports {
    fn of(places: &[Place], links: &Links<'_>) -> Self {
        let mut ports = Self { behind: vec![0.0; links.chains.len()], before: vec![0.0; links.chains.len()] };
        for index in 0..places.len() {
            let chains = || links.chains.iter().enumerate().filter(|(_, chain)| chain.len() > 1);
            let leaving: Vec<(usize, usize)> = chains().filter(|(_, c)| c[0] == index).map(|(number, c)| (number, c[1])).collect();
            let entering: Vec<(usize, usize)> =
                chains().filter(|(_, c)| c[c.len() - 1] == index).map(|(number, c)| (number, c[c.len() - 2])).collect();
            spread(&places[index], leaving, places, &mut ports.behind);
            spread(&places[index], entering, places, &mut ports.before);
        }
        ports
    }
}

fn spread(at: &Place, mut arrows: Vec<(usize, usize)>, places: &[Place], to: &mut [f64]) {
    arrows.sort_by(|(a, other), (b, another)| places[*other].at.total_cmp(&places[*another].at).then(a.cmp(b)));
    let count = arrows.len() as f64;
    let step = (at.size.side / (count + 1.0)).min(26.0);
    for (number, (arrow, _)) in arrows.into_iter().enumerate() {
        to[arrow] = at.at + (number as f64 - (count - 1.0) / 2.0) * step;
    }
}

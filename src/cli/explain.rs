//! `betide explain`: the operator graph as text or as a picture.

use betide::Options;
use betide::engine::PictureLanguage;
use layout::backends::svg::SVGWriter;
use layout::gv::{DotParser, GraphBuilder};

use super::flags::{ExplainFlags, ExplainFormat};
use super::{Failure, print, program};

/// Compiles the program and prints how it will run.
pub(crate) fn explain(flags: &ExplainFlags) -> Result<u8, Failure> {
    let options = Options { threads: flags.threads, ..Options::default() };
    let engine = program::compile(flags.program.file.as_deref(), &flags.program.text, options)?;
    print(&match flags.format {
        ExplainFormat::Text => engine.explain(),
        ExplainFormat::Dot => engine.picture(PictureLanguage::Dot),
        ExplainFormat::Mermaid => engine.picture(PictureLanguage::Mermaid),
        ExplainFormat::Svg => drawn(&engine.picture(PictureLanguage::Dot))?,
    })?;
    Ok(0)
}

/// A picture in the language of Graphviz as SVG.
fn drawn(dot: &str) -> Result<String, Failure> {
    let graph = DotParser::new(dot).process();
    let graph = graph.map_err(|why| Failure { code: 70, message: format!("betide: a defect: the picture is no DOT: {why}") })?;
    let mut builder = GraphBuilder::new();
    builder.visit_graph(&graph);
    let mut svg = SVGWriter::new();
    builder.get().do_it(false, false, false, &mut svg);
    Ok(svg.finalize())
}

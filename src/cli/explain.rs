//! `betide explain`: the operator graph as text, as JSON or as a picture; with the figures of a run where that is asked for.

use std::io::{IsTerminal, Read};

use betide::analysis::Analyzed;
use betide::codec::Format;
use betide::connect::Input;
use betide::engine::PictureLanguage;
use betide::text::render;
use betide::{Analysis, Options};

use super::flags::{ExplainFlags, ExplainFormat, TextFlags};
use super::{Failure, print, program, sample, tell, terminal};

/// Bytes pushed in one go: always so many, however they come, so that what is seen of the state is the same for the same bytes.
const CHUNK: usize = 256 * 1024;

/// Compiles the program and prints how it will run, or how it has run.
pub(crate) fn explain(flags: &ExplainFlags) -> Result<u8, Failure> {
    if let Some(inputs) = &flags.analyze {
        let analyzed = analyze(flags, inputs)?;
        let analyzed = if flags.no_times { analyzed.without_times() } else { analyzed };
        return print(&match flags.format {
            ExplainFormat::Text => analyzed.to_text(),
            ExplainFormat::Json => analyzed.to_json(),
            ExplainFormat::Dot => analyzed.picture(PictureLanguage::Dot),
            ExplainFormat::Mermaid => analyzed.picture(PictureLanguage::Mermaid),
            ExplainFormat::Svg => analyzed.picture(PictureLanguage::Svg),
        })
        .map(|()| 0);
    }
    let options = Options { threads: flags.threads, ..Options::default() };
    let engine = program::compile(flags.program.file.as_deref(), &flags.program.text, options)?;
    print(&match flags.format {
        ExplainFormat::Text => engine.explain(),
        ExplainFormat::Json => engine.explain_json(),
        ExplainFormat::Dot => engine.picture(PictureLanguage::Dot),
        ExplainFormat::Mermaid => engine.picture(PictureLanguage::Mermaid),
        ExplainFormat::Svg => engine.picture(PictureLanguage::Svg),
    })?;
    Ok(0)
}

/// Runs the program over the inputs, measured.
fn analyze(flags: &ExplainFlags, paths: &[String]) -> Result<Analyzed, Failure> {
    let ProgramAndInputs { mut analysis, inputs } = compile(flags, paths)?;
    if !analysis.warnings().is_empty() {
        tell(render(analysis.warnings(), analysis.source(), terminal::has_colour(&std::io::stderr())).trim_end());
    }
    let mut buffer = vec![0; CHUNK];
    for mut input in inputs {
        let format = input.format();
        loop {
            let count = fill(&mut input, &mut buffer)?;
            match format {
                Format::JsonLines => analysis.push_json(&buffer[..count])?,
                Format::Csv => analysis.push_csv(&buffer[..count])?,
            }
            if count < buffer.len() {
                break;
            }
        }
        analysis.end_input()?;
    }
    Ok(analysis.finish()?)
}

struct ProgramAndInputs {
    analysis: Analysis,
    inputs: Vec<Input>,
}

fn compile(flags: &ExplainFlags, paths: &[String]) -> Result<ProgramAndInputs, Failure> {
    let file = flags.program.file.as_deref();
    if file.is_none() && flags.program.text.query.is_none() {
        return Err(Failure::usage("which program? The query file stands before --analyze: betide explain FILE --analyze INPUT"));
    }
    let standard_input = ["-".to_owned()];
    let paths = if paths.is_empty() { &standard_input } else { paths };
    if paths.iter().any(|path| path == "-") && std::io::stdin().is_terminal() {
        tell("betide: reading events from the terminal, one JSON object a line; Ctrl-D ends");
    }
    let inputs = paths.iter().map(|path| Input::open(path)).collect::<Result<Vec<_>, _>>()?;
    let format = flags.input_format.map(Format::from);
    let inputs = inputs.into_iter().map(|input| if let Some(format) = format { input.with_format(format) } else { input }).collect();
    let options = Options { max_line: flags.max_line, batch_size: flags.batch_size, ..Options::default() };
    let compiled = |text: &TextFlags| {
        let (program, options) = program::read(file, text, options.clone())?;
        Ok::<_, Failure>(Analysis::new(&program, &options)?)
    };
    let text = &flags.program.text;
    if text.query.is_none() {
        return Ok(ProgramAndInputs { analysis: compiled(text)?, inputs });
    }
    // As `run` does: streams that nothing declares are declared by their first events.
    let (declared, inputs) = sample::declare(text, &flags.sample, inputs)?;
    let with = |streams: &[String]| compiled(&TextFlags { stream: [&text.stream[..], streams].concat(), ..text.clone() });
    let analysis =
        with(&declared.needed).or_else(|failure| if declared.whole.is_empty() { Err(failure) } else { with(&declared.whole) })?;
    declared.tell();
    Ok(ProgramAndInputs { analysis, inputs })
}

/// Reads until the buffer is full or the input ends.
fn fill(input: &mut Input, buffer: &mut [u8]) -> Result<usize, Failure> {
    let mut count = 0;
    while count < buffer.len() {
        match input.read(&mut buffer[count..]) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Failure::outside(format!("cannot read {}: {error}", input.name()))),
        }
    }
    Ok(count)
}

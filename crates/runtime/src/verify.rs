//! Verifiers: what each stage promises about its value, checked when `MANIPLE_CHECK=1`.

use crate::{Arg, Decoded, Edge, Kernel, Launch, Task};
use maniple_ops::Dtype;

/// The first broken promise, in words.
pub(crate) fn check(window: &Decoded, edges: &[Edge], launches: &[Launch]) -> Option<String> {
    check_tasks(window)
        .or_else(|| check_edges(window, edges))
        .or_else(|| check_launches(window, edges, launches))
}

fn check_tasks(window: &Decoded) -> Option<String> {
    for (at, task) in window.tasks.iter().enumerate() {
        if let Kernel::Map(body) = &*task.kernel {
            if let Err(problem) = body.check() {
                return Some(format!("task {at}: {problem}"));
            }
            let arguments = body.inputs.len() + body.outputs.len();
            if arguments != task.args.len() {
                return Some(format!("task {at}: {} arguments for a body of {arguments}", task.args.len()));
            }
            let shape = &task.args[0].view.shape;
            if task.args.iter().any(|arg| arg.view.shape != *shape) {
                return Some(format!("task {at}: arguments of different shapes"));
            }
            let (inputs, outputs) = task.args.split_at(body.inputs.len());
            for (output, input) in
                outputs.iter().flat_map(|output| inputs.iter().map(move |input| (output, input)))
            {
                let (a, b) = (output.dtype.size(), input.dtype.size());
                let same = output.view.same_as(&input.view) && a == b;
                if output.role == input.role && !same && output.view.may_overlap(a, &input.view, b) {
                    return Some(format!("task {at}: reads and writes overlap: {input} and {output}"));
                }
            }
        }
        if let Kernel::Matmul { dtype } = &*task.kernel
            && let Some(problem) = check_product(task, *dtype)
        {
            return Some(format!("task {at}: {problem}"));
        }
    }
    None
}

/// What is wrong with a product of matrices.
fn check_product(task: &Task, dtype: Dtype) -> Option<String> {
    let [a, b, result] = &task.args[..] else {
        return Some(format!("{} arguments for a product of matrices", task.args.len()));
    };
    let split = |arg: &Arg| {
        let shape = arg.view.shape.clone();
        (shape.len() >= 2)
            .then(|| (shape[..shape.len() - 2].to_vec(), shape[shape.len() - 2], shape[shape.len() - 1]))
    };
    let fits = match (split(a), split(b), split(result)) {
        (Some((stack_a, m, k)), Some((stack_b, same_k, n)), Some((stack, rows, columns))) => {
            let stacks = stack_a == stack && stack_b == stack;
            let points = stack.iter().product::<usize>() * rows;
            stacks && (m, same_k, n) == (rows, k, columns) && task.extent == points
        }
        _ => false,
    };
    if !fits || task.args.iter().any(|arg| arg.dtype != dtype) {
        return Some(format!("factors and result do not fit: {task}"));
    }
    let meets = |factor: &Arg| {
        let (own, other) = (result.dtype.size(), factor.dtype.size());
        factor.role == result.role && factor.view.may_overlap(other, &result.view, own)
    };
    (meets(a) || meets(b)).then(|| format!("a product overlaps its factors: {task}"))
}

fn check_edges(window: &Decoded, edges: &[Edge]) -> Option<String> {
    let wrong = edges.iter().find(|edge| edge.from >= edge.to || edge.to >= window.tasks.len());
    if let Some(edge) = wrong {
        return Some(format!("edge {edge} does not lead forward"));
    }
    edges
        .windows(2)
        .find(|pair| (pair[0].to, pair[0].from) >= (pair[1].to, pair[1].from))
        .map(|pair| format!("edges {} and {} are out of order", pair[0], pair[1]))
}

fn check_launches(window: &Decoded, edges: &[Edge], launches: &[Launch]) -> Option<String> {
    let mut place = vec![None; window.tasks.len()];
    for (at, launch) in launches.iter().enumerate() {
        for &task in &launch.tasks {
            if place[task as usize].replace(at).is_some() {
                return Some(format!("task {task} is in two launches"));
            }
        }
        let body = match &*launch.kernel {
            Kernel::Map(body) => body,
            Kernel::Reduce(reduce) => &reduce.body,
            _ => continue,
        };
        if let Err(problem) = body.check() {
            return Some(format!("launch {at}: {problem}"));
        }
        if launch.owners.len() != body.steps.len() || launch.scalars.len() != body.constants.len() {
            return Some(format!("launch {at}: owners or scalars do not fit its body"));
        }
        if launch.args.len() != body.inputs.len() + body.outputs.len() || body.outputs.len() < launch.folds()
        {
            return Some(format!("launch {at}: {} arguments do not fit its body", launch.args.len()));
        }
    }
    for (at, launch) in launches.iter().enumerate() {
        for &(role, spare) in &launch.exchanges {
            let exchanges = |launch: &Launch| launch.exchanges.iter().any(|&(_, other)| other == spare);
            let since = launches[..at].iter().rposition(exchanges).map_or(0, |before| before + 1);
            let written = launches[since..=at].iter().flat_map(|launch| &launch.args);
            let written: usize = (written.filter(|arg| arg.role == spare && arg.privilege.writes()))
                .map(|arg| arg.view.size() * arg.dtype.size())
                .sum();
            if written != window.bytes[role as usize] {
                return Some(format!("launch {at}: {written} bytes are to replace region {role}"));
            }
        }
    }
    let before = |from: usize, to: usize| match (place[from], place[to]) {
        (Some(from), Some(to)) => from <= to,
        _ => true,
    };
    edges.iter().find(|edge| !before(edge.from, edge.to)).map(|edge| format!("edge {edge} runs backwards"))
}

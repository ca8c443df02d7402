//! Verifiers: what each stage promises about its value, checked when `MANIPLE_CHECK=1`.

use crate::{Access, Arg, Decoded, Edge, Kernel, Launch, Sorted, Task};
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
        let sorting = match &*task.kernel {
            Kernel::Sort { dtype, gives, run } => check_sort(task, (*dtype, *gives, *run)),
            Kernel::Merge { dtype, gives, .. } => check_merge(task, *dtype, *gives),
            _ => None,
        };
        if let Some(problem) = sorting {
            return Some(format!("task {at}: {problem}: {task}"));
        }
    }
    None
}

/// The dtypes of what sorting gives.
fn given(dtype: Dtype, gives: Sorted) -> Vec<Dtype> {
    let values = gives.has_values().then_some(dtype);
    values.into_iter().chain(gives.has_order().then_some(Dtype::Int64)).collect()
}

/// What is wrong with a task that sorts runs.
fn check_sort(task: &Task, (dtype, gives, run): (Dtype, Sorted, usize)) -> Option<String> {
    let (input, given) = (&task.args[..1], given(dtype, gives));
    let Some(&n) = input[0].view.shape.last() else { return Some("there are no rows to sort".into()) };
    let fits = run > 0
        && (run >= n || input[0].view.size() == n)
        && task.extent == input[0].view.size().checked_div(n).unwrap_or(0) * n.div_ceil(run)
        && task
            .args
            .iter()
            .all(|arg| arg.view.shape == input[0].view.shape && arg.access == Access::Rows(run))
        && input[0].dtype == dtype
        && task.args[1..].iter().map(|arg| arg.dtype).eq(given);
    if !fits {
        return Some("input and results of a sort do not fit".into());
    }
    let in_place = |output: &Arg| gives == Sorted::Values && output.view.same_as(&input[0].view);
    let wrong = |output: &Arg| meet(output, &input[0]) && !in_place(output);
    task.args[1..].iter().any(wrong).then(|| "a sort overlaps its input".into())
}

/// What is wrong with a task that merges runs.
fn check_merge(task: &Task, dtype: Dtype, gives: Sorted) -> Option<String> {
    let inputs = 1 + usize::from(gives.has_order());
    let wanted: Vec<Dtype> = [dtype]
        .into_iter()
        .chain(gives.has_order().then_some(Dtype::Int64))
        .chain(given(dtype, gives))
        .collect();
    if !task.args.iter().map(|arg| arg.dtype).eq(wanted)
        || task.args.iter().any(|arg| *arg.view.shape != [task.extent])
        || task.args[..inputs].iter().any(|arg| !arg.view.is_contiguous(arg.dtype.size()))
    {
        return Some("runs and results of a merge do not fit".into());
    }
    let (runs, results) = task.args.split_at(inputs);
    let wrong = results.iter().any(|result| runs.iter().any(|run| meet(run, result)));
    wrong.then(|| "a merge overlaps its runs".into())
}

fn meet(a: &Arg, b: &Arg) -> bool {
    a.role == b.role && a.view.may_overlap(a.dtype.size(), &b.view, b.dtype.size())
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
    (meet(a, result) || meet(b, result)).then(|| format!("a product overlaps its factors: {task}"))
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
            if launches[..at].iter().any(exchanges) {
                // What was not written since is there already.
                continue;
            }
            let written = launches[..=at].iter().flat_map(|launch| &launch.args);
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

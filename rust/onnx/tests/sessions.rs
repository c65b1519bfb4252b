//! Real models on the real ONNX Runtime, against what Python's `onnxruntime` answers for the same rows.
//!
//! `data/models.py` writes the models and the expected scores.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails so"
)]

use std::{env, fs, path::Path, path::PathBuf};

use nextbest_engine::{Batch, Bundle, ModelId, ScoreError, Scorer, Tensor};
use nextbest_onnx::{OnnxError, Runtime, Sessions};
use nextbest_proto::v1::{self, ElementType};
use prost::Message;
use sha2::{Digest, Sha256};

fn runtime() -> Runtime {
    let given = env::var_os("NEXTBEST_ONNXRUNTIME").map(PathBuf::from);
    let path = given
        .or_else(in_virtual_environment)
        .expect("run `make test`, which installs ONNX Runtime");
    Runtime::load(&path).expect("the library loads")
}

fn in_virtual_environment() -> Option<PathBuf> {
    let lib = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.venv/lib");
    let folders = fs::read_dir(lib).ok()?.flatten();
    let capi = folders.map(|python| python.path().join("site-packages/onnxruntime/capi"));
    let files = capi
        .filter_map(|folder| fs::read_dir(folder).ok())
        .flat_map(Iterator::flatten);
    let mut paths = files.filter_map(|file| file.path().canonicalize().ok());
    paths.find(|path| path.to_string_lossy().contains("libonnxruntime.so."))
}

fn data(file: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(file);
    fs::read(path).expect("the file is in tests/data")
}

/// A model whose inputs have this number of columns each.
fn model(name: &str, inputs: &[(&str, ElementType, usize)], output: &str, positive_column: u32) -> v1::Model {
    let input = |(name, element_type, columns): &(&str, ElementType, usize)| {
        let feature = match element_type {
            ElementType::String => 1,
            ElementType::Boolean => 2,
            _ => 0,
        };
        let source = Some(v1::model_column::Source::Feature(feature));
        let column = v1::ModelColumn {
            source,
            missing: None,
        };
        let (name, element_type) = ((*name).to_owned(), (*element_type).into());
        v1::ModelInput {
            name,
            element_type,
            columns: vec![column; *columns],
        }
    };
    v1::Model {
        name: name.to_owned(),
        onnx: data(&format!("{name}.onnx")),
        inputs: inputs.iter().map(input).collect(),
        output: output.to_owned(),
        positive_column,
        ..v1::Model::default()
    }
}

fn linear() -> v1::Model {
    model(
        "linear",
        &[("features", ElementType::Float32, 3)],
        "probabilities",
        1,
    )
}

fn doubles() -> v1::Model {
    model(
        "doubles",
        &[("features", ElementType::Float64, 2)],
        "probability",
        0,
    )
}

fn mixed() -> v1::Model {
    let inputs = [
        ("segment", ElementType::String, 1),
        ("visits", ElementType::Int64, 2),
        ("vip", ElementType::Boolean, 1),
    ];
    model("mixed", &inputs, "probability", 0)
}

fn tree() -> v1::Model {
    model(
        "tree",
        &[("features", ElementType::Float32, 2)],
        "probabilities",
        1,
    )
}

/// A bundle of nothing but models, and a feature of each kind for them to be bound to.
fn bundle(models: Vec<v1::Model>) -> Bundle {
    let kinds = [
        ("age", v1::Type::Int),
        ("segment", v1::Type::String),
        ("vip", v1::Type::Bool),
    ];
    let attribute = |(name, kind): (&str, v1::Type)| v1::AttributeDeclaration {
        root: v1::Root::Customer.into(),
        name: name.to_owned(),
        r#type: kind.into(),
        ..v1::AttributeDeclaration::default()
    };
    let feature = |(attribute, (name, kind)): (u32, (&str, v1::Type))| v1::Feature {
        name: format!("customer.{name}"),
        r#type: kind.into(),
        source: Some(v1::feature::Source::Attribute(attribute)),
    };
    let message = v1::Bundle {
        attributes: kinds.into_iter().map(attribute).collect(),
        features: (0..).zip(kinds).map(feature).collect(),
        models,
        ..v1::Bundle::default()
    };
    let payload = message.encode_to_vec();
    let mut file = b"nextbest".to_vec();
    file.extend(1_u32.to_le_bytes());
    file.extend((payload.len() as u64).to_le_bytes());
    file.extend(payload);
    let checksum = Sha256::digest(&file);
    file.extend(checksum);
    Bundle::open(&file).expect("the bundle is valid")
}

/// The cells of a model's rows, and the expected scores.
fn expected(name: &str) -> (Vec<Vec<String>>, Vec<f64>) {
    let text = String::from_utf8(data(&format!("{name}.csv"))).unwrap();
    let rows = text
        .lines()
        .map(|line| line.split(',').map(str::to_owned).collect::<Vec<String>>());
    let split = |mut cells: Vec<String>| {
        let score = cells.pop().unwrap().parse::<f64>().unwrap();
        (cells, score)
    };
    rows.map(split).unzip()
}

/// Some columns of all rows, row by row.
fn cells<T>(rows: &[Vec<String>], columns: &[usize], parse: impl Fn(&str) -> T) -> Vec<T> {
    rows.iter()
        .flat_map(|row| columns.iter().map(|column| parse(&row[*column])))
        .collect()
}

fn score(model: v1::Model, rows: usize, inputs: Vec<Tensor<'_>>) -> Result<Vec<f64>, ScoreError> {
    let bundle = bundle(vec![model]);
    let mut sessions = Sessions::open(&runtime(), &bundle).expect("the models load");
    let (id, model) = bundle.models().next().expect("there is a model");
    let mut propensities = Vec::new();
    let batch = Batch {
        rows,
        inputs,
        columns: vec![model.positive_column; rows],
    };
    sessions.score(id, &batch, &mut propensities)?;
    Ok(propensities)
}

fn number<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}

fn assert_near(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= tolerance, "{found} is not {expected}");
    }
}

#[test]
fn linear_models_of_floats_are_scored_as_in_python() {
    let (rows, scores) = expected("linear");
    let features = Tensor::Float32(cells(&rows, &[0, 1, 2], number));
    assert_near(
        &score(linear(), rows.len(), vec![features]).unwrap(),
        &scores,
        1e-6,
    );
}

#[test]
fn trees_are_scored_as_in_python_bit_for_bit_with_and_without_nan() {
    let (rows, scores) = expected("tree");
    let features = Tensor::Float32(cells(&rows, &[0, 1], number));
    assert_eq!(score(tree(), rows.len(), vec![features]).unwrap(), scores);
}

#[test]
fn doubles_are_scored_as_in_python_from_an_output_of_one_dimension() {
    let (rows, scores) = expected("doubles");
    let features = Tensor::Float64(cells(&rows, &[0, 1], number));
    assert_near(
        &score(doubles(), rows.len(), vec![features]).unwrap(),
        &scores,
        1e-12,
    );
}

#[test]
fn text_whole_numbers_and_truth_values_are_scored_as_in_python() {
    let (rows, scores) = expected("mixed");
    let segments = cells(&rows, &[0], str::to_owned);
    let inputs = vec![
        Tensor::String(segments.iter().map(String::as_str).collect()),
        Tensor::Int64(cells(&rows, &[1, 2], number)),
        Tensor::Bool(cells(&rows, &[3], |text| text == "True")),
    ];
    assert_near(&score(mixed(), rows.len(), inputs).unwrap(), &scores, 1e-6);
}

#[test]
fn a_vector_of_rows_for_each_feature_is_scored_as_in_python() {
    let (rows, scores) = expected("vectors");
    let kinds = [
        ("age", ElementType::Float32, 1),
        ("visits", ElementType::Int64, 1),
    ];
    let vectors = model("vectors", &kinds, "probability", 0);
    let inputs = vec![
        Tensor::Float32(cells(&rows, &[0], number)),
        Tensor::Int64(cells(&rows, &[1], number)),
    ];
    assert_near(&score(vectors, rows.len(), inputs).unwrap(), &scores, 1e-6);
}

#[test]
fn rows_that_change_one_another_are_scored_one_by_one_where_the_bundle_says_so() {
    let crossed = |row_by_row| v1::Model {
        row_by_row,
        ..model(
            "crossed",
            &[("features", ElementType::Float32, 1)],
            "probability",
            0,
        )
    };
    let (rows, together) = expected("crossed");
    let features = || vec![Tensor::Float32(cells(&rows, &[0], number))];
    assert_near(
        &score(crossed(false), rows.len(), features()).unwrap(),
        &together,
        1e-6,
    );
    assert!(together[0] < 0.1);
    assert_eq!(score(crossed(true), rows.len(), features()).unwrap(), [0.25; 3]);
    let too_few = vec![Tensor::Float32(vec![1.0, 2.0])];
    assert_eq!(score(crossed(true), 3, too_few), Err(ScoreError::Failed));
}

#[test]
fn a_run_that_fails_leaves_the_next_one_unharmed() {
    let bundle = bundle(vec![linear(), mixed()]);
    let mut sessions = Sessions::open(&runtime(), &bundle).expect("the models load");
    let ids: Vec<ModelId> = bundle.models().map(|(id, _)| id).collect();
    let mut scores = Vec::new();
    // A zero byte ends a text on the other side of the border.
    let inputs = vec![
        Tensor::String(vec!["a\0b"]),
        Tensor::Int64(vec![1, 2]),
        Tensor::Bool(vec![true]),
    ];
    let batch = |rows, inputs| Batch {
        rows,
        inputs,
        columns: vec![1; rows],
    };
    assert_eq!(
        sessions.score(ids[1], &batch(1, inputs), &mut scores),
        Err(ScoreError::Failed)
    );
    let too_few = batch(2, vec![Tensor::Float32(vec![1.0, 2.0, 3.0])]);
    assert_eq!(
        sessions.score(ids[0], &too_few, &mut scores),
        Err(ScoreError::Failed)
    );
    let wrong_type = batch(1, vec![Tensor::Int64(vec![1, 2, 3])]);
    assert_eq!(
        sessions.score(ids[0], &wrong_type, &mut scores),
        Err(ScoreError::Failed)
    );
    assert!(scores.is_empty());
    let right = batch(1, vec![Tensor::Float32(vec![1.0, 2.0, 3.0])]);
    assert_eq!(sessions.score(ids[0], &right, &mut scores), Ok(()));
    assert_eq!(scores.len(), 1);
}

/// Why a model is refused.
fn refused(model: v1::Model) -> String {
    let bundle = bundle(vec![model]);
    match Sessions::open(&runtime(), &bundle) {
        Err(OnnxError::Model { problem, .. }) => problem,
        Err(fault) => panic!("{fault}"),
        Ok(_) => panic!("the model loaded"),
    }
}

#[test]
fn models_that_are_not_what_the_bundle_says_are_refused() {
    let mut other_input = linear();
    other_input.inputs[0].name = "x".to_owned();
    assert_eq!(refused(other_input), "its input `features` is not bound");
    let mut unbound = mixed();
    unbound.inputs.pop();
    assert_eq!(refused(unbound), "its input `vip` is not bound");
    let mut other_type = linear();
    other_type.inputs[0].element_type = ElementType::Float64.into();
    assert_eq!(
        refused(other_type),
        "its input `features` is not a tensor of the bound type"
    );
    let mut other_output = linear();
    other_output.output = "scores".to_owned();
    assert_eq!(refused(other_output), "it has no output `scores`");
    let mut narrow = linear();
    narrow.positive_column = 2;
    assert_eq!(
        refused(narrow),
        "its output has the shape [1, 2] for 1 rows, and column 2 is asked for"
    );
    let mut label = linear();
    (label.output, label.positive_column) = ("label".to_owned(), 0);
    assert_eq!(refused(label), "its output is not a tensor of floats or doubles");
    let zipmap = model(
        "zipmap",
        &[("features", ElementType::Float32, 3)],
        "probabilities",
        1,
    );
    assert_eq!(
        refused(zipmap),
        "its output `probabilities` is not a tensor: export it without ZipMap"
    );
    let mut wide = model(
        "vectors",
        &[
            ("age", ElementType::Float32, 2),
            ("visits", ElementType::Int64, 1),
        ],
        "probability",
        0,
    );
    assert_eq!(
        refused(wide.clone()),
        "its input `age` has one column, and 2 are bound"
    );
    wide.inputs[0].columns.pop();
    assert!(Sessions::open(&runtime(), &bundle(vec![wide])).is_ok());
    let mut columns = linear();
    columns.inputs[0].columns.pop();
    assert!(refused(columns).starts_with("its first run failed: "));
}

#[test]
fn files_that_are_no_models_are_refused() {
    let mut truncated = linear();
    truncated.onnx.truncate(40);
    assert!(!refused(truncated).is_empty());
    let mut empty = linear();
    empty.onnx.clear();
    assert!(!refused(empty).is_empty());
}

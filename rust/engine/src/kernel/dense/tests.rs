use proptest::prelude::*;

use super::*;

fn sizes() -> impl Strategy<Value = (usize, usize)> {
    let columns = prop_oneof![
        Just(1_usize),
        2..6_usize,
        14..19_usize,
        30..35_usize,
        47..50_usize,
        60..140_usize
    ];
    (1..70_usize, columns)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn every_kernel_gives_the_same_bits_and_what_was_meant(
        (rows, columns, weights, bias, inputs) in sizes().prop_flat_map(|(rows, columns)| (
            Just(rows),
            Just(columns),
            prop::collection::vec(-2.0..2.0_f32, rows * columns),
            prop_oneof![Just(0), Just(columns)].prop_flat_map(|count| prop::collection::vec(-2.0..2.0_f32, count)),
            prop::collection::vec(-2.0..2.0_f32, rows),
        ))
    ) {
        let matrix = Matrix::new(rows, columns, &weights, bias.clone()).unwrap();
        let mut portable = vec![f32::NAN; columns];
        matrix.multiply(Kernel::PORTABLE, &inputs, &mut portable);
        for (column, found) in portable.iter().enumerate() {
            let products = inputs.iter().zip(weights[column..].iter().step_by(columns));
            let sum: f64 = products.map(|(input, weight)| f64::from(*input) * f64::from(*weight)).sum();
            let expected = sum + f64::from(bias.get(column).copied().unwrap_or(0.0));
            prop_assert!((f64::from(*found) - expected).abs() < 1e-4, "{found} {expected}");
        }
        for kernel in Kernel::available() {
            let mut found = vec![f32::NAN; columns];
            matrix.multiply(kernel, &inputs, &mut found);
            let bits = |numbers: &[f32]| numbers.iter().map(|number| number.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(&found), bits(&portable), "{}", kernel);
        }
    }
}

#[test]
fn sizes_that_do_not_agree_are_refused() {
    assert!(Matrix::new(2, 3, &[0.0; 5], Vec::new()).is_none());
    assert!(Matrix::new(2, 3, &[0.0; 6], vec![0.0; 2]).is_none());
    assert!(Matrix::new(0, 3, &[], Vec::new()).is_none());
}

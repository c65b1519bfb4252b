//! Every kernel of this machine against bits that are set one by one.

use proptest::prelude::*;

use super::*;

fn line() -> impl Strategy<Value = Line> {
    any::<[u64; 8]>().prop_map(Line)
}

fn near() -> impl Strategy<Value = i64> {
    prop_oneof![-302..302_i64, Just(i64::MIN), Just(i64::MAX)]
}

#[test]
fn a_kernel_has_a_name_and_is_found_by_it() {
    for kernel in Kernel::available() {
        assert_eq!(Kernel::named(kernel.name()), Some(kernel));
    }
    assert_eq!(Kernel::available().last(), Some(&Kernel::PORTABLE));
    assert_eq!(Kernel::named("abacus"), None);
}

#[test]
fn a_row_outside_of_the_pool_is_left_out() {
    for kernel in Kernel::available() {
        let mut into = vec![Line::FULL; 3];
        kernel.and_rows(&mut into, &[Line::default(); 4], &[0xffff, 2]);
        assert_eq!(into, [Line::FULL; 3], "{kernel}");
        kernel.and_rows(&mut into, &[Line::default(); 4], &[0xffff, 1]);
        assert_eq!(into, [Line::default(); 3], "{kernel}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rows_are_anded_word_by_word(
        lines in 0..45_usize,
        pool in prop::collection::vec(line(), 60),
        starts in prop::collection::vec(0..16_u32, 0..9),
    ) {
        let mut expected = vec![Line::FULL; lines];
        for start in &starts {
            for (index, line) in expected.iter_mut().enumerate() {
                for word in 0..8 {
                    line.0[word] &= pool[*start as usize + index].0[word];
                }
            }
        }
        for kernel in Kernel::available() {
            let mut found = vec![Line::FULL; lines];
            kernel.and_rows(&mut found, &pool, &starts);
            prop_assert_eq!(&found, &expected, "{}", kernel);
        }
    }

    #[test]
    fn keys_are_counted(
        rows in prop::collection::vec(
            (prop::collection::vec(prop_oneof![-300..300_i64, Just(i64::MAX)], 0..700), near()), 0..4),
    ) {
        let (mut keys, mut wanted, mut expected) = (Keys::default(), Vec::new(), Vec::new());
        for (mut row, key) in rows {
            row.sort_unstable();
            keys.push(&row);
            wanted.push(key);
            expected.push(u32::try_from(row.iter().filter(|other| **other <= key).count()).unwrap());
        }
        for kernel in Kernel::available() {
            let mut found = vec![0; expected.len()];
            kernel.count_up_to(&keys, &wanted, &mut found);
            prop_assert_eq!(&found, &expected, "{}", kernel);
        }
    }

    #[test]
    fn what_passes_is_left_and_what_is_unknown_is_counted(
        words in prop::collection::vec(any::<u64>(), 0..40),
        lines in prop::collection::vec((line(), line()), 5),
    ) {
        let (truth, not_false): (Vec<Line>, Vec<Line>) = lines.into_iter().unzip();
        let bits = |index: usize| (truth[index / 8].0[index % 8], not_false[index / 8].0[index % 8]);
        let mut expected = (words.clone(), 0);
        for (index, word) in expected.0.iter_mut().enumerate() {
            let (truth, not_false) = bits(index);
            expected.1 += (0..64).filter(|bit| *word & not_false & !truth & 1 << bit != 0).count();
            *word &= truth;
        }
        for kernel in Kernel::available() {
            let mut found = words.clone();
            let unknown = kernel.pass(&mut found, &truth, &not_false);
            prop_assert_eq!((found, unknown as usize), expected.clone(), "{}", kernel);
        }
    }

    #[test]
    fn marks_become_bits(
        slots in prop::collection::vec((0..32_768_u16, prop::sample::select(vec![0, NOT_FALSE, TRUE])), 0..300),
        lines in 1..65_usize,
        before in line(),
    ) {
        let of_lines = |slot: &u16| usize::from(*slot) < lines * Line::SLOTS;
        let slots: Vec<(u16, u8)> = slots.into_iter().filter(|(slot, _)| of_lines(slot)).collect();
        let mut plain = vec![TRUE; lines * Line::SLOTS];
        for (slot, mark) in &slots {
            plain[usize::from(*slot)] = *mark;
        }
        let mut expected = (vec![before; lines], vec![Line::FULL; lines]);
        for (slot, mark) in plain.into_iter().enumerate() {
            let (line, word, bit) = (slot / 512, slot / 64 % 8, slot % 64);
            if mark & NOT_FALSE == 0 {
                expected.0[line].0[word] &= !(1 << bit);
            }
            if mark != TRUE {
                expected.1[line].0[word] &= !(1 << bit);
            }
        }
        // The same marks again and again, left as they were or not.
        let mut marks = Marks::default();
        for kernel in Kernel::available() {
            marks.prepare(64 * Line::SLOTS);
            marks.write(&[0, 1, 699], 0);
            for _ in 0..2 {
                marks.prepare(lines * Line::SLOTS);
                for (slot, mark) in &slots {
                    marks.write(&[*slot], *mark);
                }
                let mut found = (vec![before; lines], vec![Line::FULL; lines]);
                kernel.and_marks(&mut marks, &mut found.0, &mut found.1);
                prop_assert_eq!(&found, &expected, "{}", kernel);
            }
        }
    }
}

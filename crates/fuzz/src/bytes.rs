//! Seeds, and how they are changed.

/// No input is larger: what a parser does with much is asked elsewhere, and many small inputs find more than few large ones.
const LARGEST: usize = 64 * 1024;
/// What parsers are known to stumble over.
const TOKENS: &[&[u8]] = &[
    b"\0",
    b"\xff",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\x80\0\0\0",
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    "\u{202e}".as_bytes(),
    "\u{e9}\u{301}".as_bytes(),
    b"\\ud800",
    b"\\u0000",
    b"\x1b[",
    b"\x1b]0;",
    b"\x1b[38;5;999999999999m",
    b"\r\n",
    b"\n",
    b"\"",
    b"'",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b"(",
    b"${",
    b"%{",
    b"<<EOT\n",
    b"/*",
    b"#",
    b"null",
    b"true",
    b"{}",
    b"[]",
    b"\"\"",
    b"-1",
    b"1e999",
    b"99999999999999999999",
    b"0.1e-999999",
    b"..",
    b"../",
    b"//",
    b"%00",
    b"%2e%2e",
    b"[number]=",
    b"&",
    b"=",
    b"@",
    b":",
    b"\xdd\xff\xff\xff\xff",
    b"\xdf\xff\xff\xff\xff",
    b"\xc9\xff\xff\xff\xff\x0c",
];

/// Makes inputs: numbers that look random and are the same every time (xorshift).
pub(super) struct Bytes<'a> {
    state: u64,
    seeds: &'a [&'a [u8]],
}

impl<'a> Bytes<'a> {
    pub(super) fn of(target: &str, seeds: &'a [&'a [u8]]) -> Self {
        assert!(!seeds.is_empty(), "{target} has no seeds");
        // FNV-1a.
        let hash = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        let state = target.bytes().fold(0xcbf2_9ce4_8422_2325, hash);
        Self { state: state | 1, seeds }
    }

    /// A seed after one to eight changes.
    pub(super) fn mutated(&mut self) -> Vec<u8> {
        let mut input = self.seed().to_vec();
        for _ in 0..=self.below(8) {
            self.change(&mut input);
            input.truncate(LARGEST);
        }
        input
    }

    fn change(&mut self, input: &mut Vec<u8>) {
        let (from, to) = self.range(input.len());
        match self.below(11) {
            0 if from < input.len() => input[from] ^= 1 << self.below(8),
            1 if from < input.len() => input[from] = self.byte(),
            2 => drop(input.drain(from..to)),
            3 => input.truncate(from),
            4 => {
                let part = input[from..to].to_vec();
                drop(input.splice(from..from, part));
            }
            // What is nested or repeated becomes much of it.
            5 => {
                let part = input[from..to.min(from + 64)].repeat(1 + self.below(200));
                drop(input.splice(from..from, part));
            }
            6 => {
                let token = TOKENS[self.below(TOKENS.len())].repeat(1 + self.below(3));
                drop(input.splice(from..from, token));
            }
            7 => {
                let token = TOKENS[self.below(TOKENS.len())];
                drop(input.splice(from..to, token.iter().copied()));
            }
            8 => {
                let other = self.seed();
                let (start, end) = self.range(other.len());
                drop(input.splice(from..to, other[start..end].iter().copied()));
            }
            9 => {
                let token = TOKENS[self.below(TOKENS.len())].repeat(1 + self.below(400));
                drop(input.splice(from..from, token));
            }
            _ => {
                let byte = self.byte();
                input.insert(from, byte);
            }
        }
    }

    fn seed(&mut self) -> &'a [u8] {
        self.seeds[self.below(self.seeds.len())]
    }

    /// Two places in an input of that length, in order; the second not far from the first most of the time.
    fn range(&mut self, length: usize) -> (usize, usize) {
        let from = self.below(length + 1);
        let most = if self.below(4) == 0 { length } else { length.min(from + 16) };
        (from, from + self.below(most - from + 1))
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[3]
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap_or(0)
    }

    fn next(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }
}

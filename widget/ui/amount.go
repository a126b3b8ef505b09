package ui

import "strconv"

// yuan writes an amount of fen as yuan with two decimals and thousands separators, "12.80". It works on
// digits, never on a float: 0.1 + 0.2 must not meet money.
func yuan(fen int64) string {
	digits, minus := strconv.FormatInt(fen, 10), ""
	if fen < 0 {
		digits, minus = digits[1:], "-"
	}
	for len(digits) < 3 { // a fen has two decimals and a yuan at least one digit
		digits = "0" + digits
	}
	whole, cents := digits[:len(digits)-2], digits[len(digits)-2:]
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	return minus + whole + "." + cents
}

// sign is what stands before an amount. WeChat Pay's domestic products know one currency; another one is
// written out, so that it is never taken for yuan.
func (t *texts) sign(currency string) string {
	if currency == "CNY" || currency == "" {
		return t.Yuan
	}
	return currency + " "
}

func (t *texts) amount(fen int64, currency string) string { return t.sign(currency) + yuan(fen) }

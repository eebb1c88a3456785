package evidence

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// maxCount is the largest count: JSON, Lua and JavaScript lose whole numbers beyond it.
const maxCount = 1<<53 - 1

// number reads a number that is not negative: digits, and a fraction and an exponent where there are some. It refuses
// what strconv reads beyond that: a sign, hexadecimal digits, underscores, NaN and Inf. A number that no float64 holds is
// the largest that one holds.
func number(s string) (float64, bool) {
	if s == "" || s[0] != '.' && !isDigit(s[0]) || strings.Trim(s, "0123456789.eE+-") != "" {
		return 0, false
	}
	n, err := strconv.ParseFloat(s, 64)
	if errors.Is(err, strconv.ErrRange) {
		return math.MaxFloat64, true
	}
	return n, err == nil
}

// count reads a whole number of calls or tokens. Reddit writes a fraction behind it, which does not count. A number
// above maxCount is maxCount: servers without a limit send the largest number that they know.
func count(s string) (int64, bool) {
	whole, fraction, ok := strings.Cut(s, ".")
	if !isDigits(whole) || ok && !isDigits(fraction) {
		return 0, false
	}
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return maxCount, true // digits alone, so there are too many
	}
	return min(n, maxCount), true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isDigits(s string) bool {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return s != ""
}

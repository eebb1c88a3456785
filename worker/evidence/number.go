package evidence

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// maxCount is the largest count: JSON, Lua and JavaScript cannot hold every larger integer.
const maxCount = 1<<53 - 1

// number reads a number that is not negative: digits, with an optional fraction and exponent. It refuses other forms of
// strconv: a sign, hexadecimal digits, underscores, NaN and Inf. A number above the range of float64 becomes the
// largest float64.
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

// count reads a whole number of calls or tokens. Reddit appends a fraction, which is ignored. A number above maxCount
// becomes maxCount: servers without a limit send the largest number that they have.
func count(s string) (int64, bool) {
	whole, fraction, ok := strings.Cut(s, ".")
	if !isDigits(whole) || ok && !isDigits(fraction) {
		return 0, false
	}
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return maxCount, true // only digits, so the number is too large
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

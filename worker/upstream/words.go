package upstream

import (
	"hash/fnv"
	"math/rand/v2"
	"strings"
)

// seeded returns a source that depends on the seed and on the parts, and on nothing that happened before, so that the
// same question has the same answer whatever order the questions come in.
func (s *Server) seeded(parts ...string) *rand.Rand {
	h := fnv.New64a()
	for _, p := range parts {
		_, _ = h.Write([]byte(p))
		_, _ = h.Write([]byte{0}) // or "ab", "c" would be "a", "bc"
	}
	return rand.New(rand.NewPCG(s.cfg.Seed, h.Sum64()))
}

const (
	digits62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	digits16 = "0123456789abcdef"
)

func base62(dice *rand.Rand, n int) string { return spell(dice, digits62, n) }

func spell(dice *rand.Rand, alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[dice.IntN(len(alphabet))]
	}
	return string(b)
}

// pick returns one of the words.
func pick(dice *rand.Rand, words string) string { return several(dice, words, 1)[0] }

// several returns n different ones of the words.
func several(dice *rand.Rand, words string, n int) []string {
	all := strings.Split(words, " / ")
	dice.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:n]
}

// title is two words in title case, such as "Paper Harbour".
func title(dice *rand.Rand) string {
	return pick(dice, adjectives) + " " + pick(dice, nouns)
}

func isBase62(s string, n int) bool {
	return len(s) == n && strings.Trim(s, digits62) == ""
}

// The vocabulary of every answer. Titles and artists are put together from it; none is meant to be a real one. Words
// are separated by " / ".
const (
	genres = "dream pop / deep house / neo soul / indie folk / shoegaze / jazz fusion / trip hop / afrobeat / " +
		"synthwave / post punk / bossa nova / ambient / alt country / chamber pop / garage rock / boom bap"
	moods      = "late night / sunlit / restless / warm / bittersweet / driving / hazy / tender / defiant / weightless"
	eras       = "1970s / 1980s / 1990s / 2000s / 2010s / 2020s"
	adjectives = "Paper / Silver / Distant / Velvet / Burning / Quiet / Electric / Hollow / Golden / Midnight / " +
		"Slow / Crooked / Northern / Borrowed / Bright / Sleeping"
	nouns = "Harbour / Satellites / Orchard / Machines / Rivers / Windows / Lanterns / Avenue / Weather / " +
		"Echoes / Season / Tides / Signal / Garden / Mirrors / Shoreline"
)

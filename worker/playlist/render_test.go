package playlist_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf16"

	"pgregory.net/rapid"

	"github.com/weir-go/weir/worker/playlist"
)

// exportify are the headings of Exportify in each of its languages: the track's URI, its name, the artists' URIs and names, the album, its
// date, the duration.
func exportify() map[string][7]string {
	return map[string][7]string{
		"English":     {"Track URI", "Track Name", "Artist URI(s)", "Artist Name(s)", "Album Name", "Album Release Date", "Track Duration (ms)"},
		"German":      {"Track-URI", "Track-Name", "Künstler-URI(s)", "Künstlername(n)", "Album-Name", "Veröffentlichungsdatum des Albums", "Track-Dauer (ms)"},
		"French":      {"URI du titre", "Nom du titre", "URI(s) de l'artiste", "Nom(s) de l'artiste", "Nom de l'album", "Date de sortie de l'album", "Durée du titre (ms)"},
		"Spanish":     {"URI de la canción", "Nombre de la canción", "URI(s) del artista", "Nombre(s) del artista", "Nombre del álbum", "Fecha de lanzamiento del álbum", "Duración de la canción (ms)"},
		"Italian":     {"URI della traccia", "Nome della traccia", "URI dell'artista", "Nome dell'artista", "Nome dell'album", "Data di rilascio dell'album", "Durata della traccia (ms)"},
		"Portuguese":  {"URI da faixa", "Nome da faixa", "URI(s) do artista", "Nome(s) do artista", "Nome do álbum", "Data de lançamento do álbum", "Duração da faixa (ms)"},
		"Dutch":       {"Nummer URI", "Nummernaam", "Artiest-URI", "Naam van artiest", "Naam van album", "Releasedatum van het album", "Nummerduur (ms)"},
		"Swedish":     {"Låtens URI", "Låtens namn", "Artistens URI", "Artistens namn", "Albumets namn", "Albumets releasedatum", "Låtlängd (ms)"},
		"Turkish":     {"Parça URI", "Parça Adı", "Sanatçı URI", "Sanatçı Adı", "Albüm Adı", "Albüm Çıkış Tarihi", "Parça Süresi (ms)"},
		"Greek":       {"URI κομματιού", "Όνομα κομματιού", "URI καλλιτέχνη/ων", "Όνομα/τα καλλιτέχνη", "Όνομα άλμπουμ", "Ημερομηνία κυκλοφορίας άλμπουμ", "Διάρκεια κομματιού (ms)"},
		"Japanese":    {"トラックURI", "トラック名", "アーティストURI", "アーティスト名", "アルバム名", "アルバム発売日", "トラックの長さ（ミリ秒）"},
		"Arabic":      {"رابط الأغنية (URI)", "اسم الأغنية", "روابط الفنانين (URI)", "أسماء الفنانين", "اسم الألبوم", "تاريخ إصدار الألبوم", "مدة الأغنية (بالمللي ثانية)"},
		"Simplified":  {"曲目 URI", "曲目名称", "艺人 URI", "艺人名称", "专辑名称", "专辑发行日期", "曲目时长（毫秒）"},
		"Traditional": {"曲目 URI", "曲目名稱", "藝人 URI", "藝人名稱", "專輯名稱", "專輯發行日期", "曲目長度（毫秒）"},
		"Cantonese":   {"歌 Link", "歌名", "Artist Link", "Artist 名", "專輯名", "專輯發行日", "曲目時長（毫秒）"},
	}
}

// anyText draws a text such as a title, with characters that formats must escape.
func anyText() *rapid.Generator[string] {
	letter := rapid.SampledFrom([]rune("abcXYZ019  ,,\"\"'-()[]{}|\t#&:/äßéØñ曲עج🎵"))
	return rapid.Map(rapid.SliceOfN(letter, 1, 12), func(runes []rune) string {
		text := playlist.OneLine(string(runes))
		if strings.Trim(text, `,"'-()[]{}|#&:/ `) == "" {
			text = "x" + text
		}
		return text
	})
}

// anyTracks draws tracks with ids, and with names and artists that formats must escape.
func anyTracks() *rapid.Generator[[]playlist.Track] {
	id := rapid.StringOfN(rapid.RuneFrom([]rune("0123456789ABCXYZabcxyz")), 22, 22, 22)
	one := rapid.Custom(func(t *rapid.T) playlist.Track {
		return playlist.Track{
			ID: id.Draw(t, "id"), Name: anyText().Draw(t, "name"), Album: anyText().Draw(t, "album"),
			Artists:  rapid.SliceOfN(anyText(), 1, 3).Draw(t, "artists"),
			Released: fmt.Sprintf("%d-%02d-%02d", rapid.IntRange(1950, 2030).Draw(t, "year"), rapid.IntRange(1, 12).Draw(t, "month"), rapid.IntRange(1, 28).Draw(t, "day")),
			Duration: time.Duration(rapid.IntRange(30, 3_000).Draw(t, "seconds")) * time.Second,
		}
	})
	return rapid.SliceOfN(one, 1, 8)
}

// sheet is a table before it is written.
type sheet struct {
	heading []string
	cells   [][]string
}

// shuffled returns the table with its columns in another order, and with further columns between them.
func (s sheet) shuffled(t *rapid.T) sheet {
	more := rapid.SampledFrom([]string{"Popularity", "Label", "Genres", "Added At", "Explicit", "Something"})
	for n := range rapid.IntRange(0, 3).Draw(t, "further columns") {
		s.heading = append(s.heading, more.Draw(t, "heading")+strings.Repeat("!", n))
		for i := range s.cells {
			s.cells[i] = append(s.cells[i], anyText().Draw(t, "cell"))
		}
	}
	order := rapid.Permutation(slices.Collect(func(yield func(int) bool) {
		for i := range s.heading {
			if !yield(i) {
				return
			}
		}
	})).Draw(t, "order")
	pick := func(cells []string) []string {
		out := make([]string, len(order))
		for to, from := range order {
			out[to] = cells[from]
		}
		return out
	}
	out := sheet{heading: pick(s.heading)}
	for _, cells := range s.cells {
		out.cells = append(out.cells, pick(cells))
	}
	return out
}

// write makes a text of a table, as spreadsheets and programs do.
func (s sheet) write(t *rapid.T) string {
	sep := rapid.SampledFrom([]string{",", ";", "\t", "|"}).Draw(t, "separator")
	end := rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "line end")
	always := rapid.Bool().Draw(t, "quotes everywhere")
	var b strings.Builder
	for _, cells := range append([][]string{s.heading}, s.cells...) {
		for i, cell := range cells {
			if i > 0 {
				b.WriteString(sep)
			}
			if always || strings.ContainsAny(cell, ",;\t|\"\n") {
				cell = `"` + strings.ReplaceAll(cell, `"`, `""`) + `"`
			}
			b.WriteString(cell)
		}
		b.WriteString(end)
	}
	return encoded(t, b.String())
}

// encoded writes a text in an encoding that spreadsheets write.
func encoded(t *rapid.T, text string) string {
	in := rapid.SampledFrom([]string{"UTF-8", "UTF-8 with a mark", "UTF-16 LE", "UTF-16 BE"}).Draw(t, "encoding")
	var order binary.AppendByteOrder = binary.LittleEndian
	switch in {
	case "UTF-8":
		return text
	case "UTF-8 with a mark":
		return "\ufeff" + text
	case "UTF-16 BE":
		order = binary.BigEndian
	}
	var out []byte
	for _, unit := range append([]uint16{0xfeff}, utf16.Encode([]rune(text))...) {
		out = order.AppendUint16(out, unit)
	}
	return string(out)
}

// tableOf is what Exportify writes, under given headings.
func tableOf(tracks []playlist.Track, heading [7]string) sheet {
	s := sheet{heading: heading[:]}
	for _, track := range tracks {
		var refs, names []string
		for i, name := range track.Artists {
			refs = append(refs, fmt.Sprintf("spotify:artist:%022d", i))
			names = append(names, strings.ReplaceAll(name, ",", `\,`))
		}
		s.cells = append(s.cells, []string{
			track.URI(), track.Name, strings.Join(refs, ", "), strings.Join(names, ", "), track.Album, track.Released,
			fmt.Sprint(track.Duration.Milliseconds()),
		})
	}
	return s
}

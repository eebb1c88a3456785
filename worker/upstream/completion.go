package upstream

import (
	"encoding/json"
	"fmt"
	"strings"
)

// completion returns the text of the model, in ASCII and the same each time for the same seed and question.
//
// A question that names the JSON key "searches", in double quotes, gets an object with 5 to 10 searches and 3 themes;
// one that names "summary" gets an object with title and summary; any other gets one plain sentence. If both are named,
// the last one counts: a question comes after its data, and a track may be called "summary".
func (s *Server) completion(asked string) string {
	dice := s.seeded("completion", asked)
	searches, summary := strings.LastIndex(asked, `"searches"`), strings.LastIndex(asked, `"summary"`)
	switch {
	case summary > searches:
		genre, mood := pick(dice, genres), pick(dice, moods)
		return marshal(object{
			"title": title(dice),
			"summary": fmt.Sprintf("A %s selection that leans on %s and keeps returning to the %s. The order builds slowly, "+
				"and the last third is the strongest.", mood, genre, pick(dice, eras)),
		})
	case searches >= 0:
		queries := several(dice, genres, 5+dice.IntN(6))
		for i, genre := range queries {
			queries[i] = pick(dice, moods) + " " + genre + " " + pick(dice, eras)
		}
		return marshal(object{"searches": queries, "themes": several(dice, moods, 3)})
	}
	return fmt.Sprintf(pick(dice, sentences), pick(dice, moods), pick(dice, genres))
}

func marshal(o object) string {
	b, err := json.Marshal(o)
	if err != nil {
		panic(err) // strings and lists of strings cannot fail
	}
	return string(b)
}

// sentences take a mood and a genre, and are separated as words are.
const sentences = "Listening for the %s side of this playlist, where %s keeps coming up. / " +
	"A %s thread runs through these tracks, closer to %s than it first seems. / " +
	"Comparing the %s openings with the %s in the middle of the list. / " +
	"There is a %s turn here that points straight at %s. / " +
	"The %s tracks set the pace and the %s ones give it room. / " +
	"Weighing how much of this is %s mood and how much is plain %s."

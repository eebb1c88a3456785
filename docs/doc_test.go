// Package docs checks the documents by the code: programs and commands that a reader copies, and which package may import which.
package docs

// module is the path of the library's module.
const module = "github.com/weir-go/weir"

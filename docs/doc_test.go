// Package docs holds the documents against the code: programs and commands that a reader copies, and the arrows between packages.
package docs

// module is the path of the library's module.
const module = "github.com/weir-go/weir"

// Command pictures draws the pictures of the documents.
//
//	go run ./docs/pictures
//
// It reads the files of this folder that were measured or recorded, and writes an SVG for each picture. README.md in this folder has the
// commands that make those files. Neither Redis nor a network is needed.
//
// Each picture is one file for light and for dark pages. A media query in its style chooses the colours, and a panel behind the whole picture
// has the matching background. So a picture is also readable if the page is dark and the browser asks for light pictures.
package main

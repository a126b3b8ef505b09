// Package saoma is the files of public/, for the program in backend/.
package saoma

import "embed"

// Public holds the loader, the checkout page's styles and scripts, the demo's shop and, once make has
// built them, the finished files of public/dist with the program for the browser.
//
//go:embed public
var Public embed.FS

// The program in the customer's browser: the checkout component and the engine that runs it. It is built
// for GOOS=js GOARCH=wasm; elsewhere it compiles and does nothing.
package main

import (
	"encoding/json"

	"saoma/backend/wire"
	"saoma/widget/ui"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

func main() {
	app.RouteWithRegexp("^/checkout/", func() app.Composer {
		var page wire.Page
		text := app.Window().GetElementByID(wire.PageID).Get("textContent").String()
		if err := json.Unmarshal([]byte(text), &page); err != nil {
			panic(err) // the script of the frame takes over from a program that ended
		}
		return ui.TakeOver(page)
	})
	app.RunWhenOnBrowser()
}

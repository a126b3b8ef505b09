package ui

import (
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

// An alarm does one thing later, on the UI goroutine. Setting it again forgets the earlier thing, also if
// its time has come and only its turn has not. The zero alarm is ready.
type alarm struct {
	timer *time.Timer
	round int
}

func (a *alarm) set(ctx app.Context, d time.Duration, do func(app.Context)) {
	a.stop()
	round := a.round
	a.timer = time.AfterFunc(d, func() {
		ctx.Dispatch(func(ctx app.Context) {
			if a.round == round {
				a.stop()
				do(ctx)
			}
		})
	})
}

func (a *alarm) stop() {
	a.round++
	if a.timer != nil {
		a.timer.Stop()
		a.timer = nil
	}
}

func (a *alarm) isSet() bool { return a.timer != nil }

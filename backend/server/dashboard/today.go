package dashboard

import (
	"fmt"
	"net/http"
	"time"

	"saoma/backend/pay"
)

// A todayView is the shop at a glance.
type todayView struct {
	Now     time.Time
	Tiles   []tile
	Hours   chart
	Days    chart
	Funnel  []step
	Refunds pay.HourFigures // of today
}

// A tile is one figure, compared with earlier ones of the same time of day.
type tile struct {
	Text     string // English
	Value    string
	Before   []before
	Headline bool
}

type before struct {
	Text  string // English: yesterday, a week ago
	Value string
	Arrow string // how today's figure is beside it
	Trend string // better, worse or same
}

// A step is one of the success funnel.
type step struct {
	Text  string // English
	Count int64
	Share string // of all
	Width int    // of a hundred
}

func (d *Dashboard) todayPage(q *request) error {
	ctx, now := q.r.Context(), d.BackOffice.Now().In(beijing)
	begin := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, beijing)
	var sums [3]pay.HourFigures // today, yesterday and a week ago, each until this time of day
	for i, back := range [...]int{0, 1, 7} {
		to := now.AddDate(0, 0, -back)
		if back == 0 {
			to = nextHour(now)
		}
		var err error
		if sums[i], err = d.Figures.Sum(ctx, q.shop.ID, begin.AddDate(0, 0, -back), to); err != nil {
			return err
		}
	}
	hours, err := d.Figures.Hours(ctx, q.shop.ID, begin.AddDate(0, 0, -29), begin.AddDate(0, 0, 1))
	if err != nil {
		return err
	}
	v := todayView{Now: now, Tiles: tiles(q.look.Lang, sums), Funnel: funnel(sums[0]), Refunds: sums[0]}
	v.Hours = hoursChart(hours[len(hours)-24:], hours[len(hours)-48:len(hours)-24], now.Hour())
	v.Days = daysChart(q.look.Lang, hours, begin)
	return q.render(http.StatusOK, "today", v)
}

func nextHour(t time.Time) time.Time { return t.Truncate(time.Hour).Add(time.Hour) }

func tiles(lang string, sums [3]pay.HourFigures) []tile {
	const lessIsBetter = 3 // the index of the time to pay
	wait := func(f pay.HourFigures) (string, int64) {
		median, ok := f.MedianWait()
		if !ok {
			return "–", 0
		}
		return duration(lang, median), int64(median / time.Second)
	}
	list := []struct {
		text  string
		value func(pay.HourFigures) (string, int64)
	}{
		{"Takings", func(f pay.HourFigures) (string, int64) { return yuan(f.Takings), int64(f.Takings) }},
		{"Orders", func(f pay.HourFigures) (string, int64) { return grouped(f.Orders), f.Orders }},
		{"Success rate", func(f pay.HourFigures) (string, int64) {
			if f.Orders == 0 {
				return "–", 0
			}
			return percent(f.Paid, f.Orders), f.Paid * 1000 / f.Orders
		}},
		{"Median time to pay", wait},
	}
	var tiles []tile
	for i, l := range list {
		shown, worth := l.value(sums[0])
		t := tile{Text: l.text, Value: shown, Headline: i == 0}
		for j, text := range []string{"yesterday", "a week ago"} {
			old, oldWorth := l.value(sums[j+1])
			b := before{Text: text, Value: old, Arrow: "=", Trend: "same"}
			if shown != "–" && old != "–" && worth != oldWorth {
				more := worth > oldWorth
				b.Arrow = map[bool]string{true: "▲", false: "▼"}[more]
				b.Trend = map[bool]string{true: "better", false: "worse"}[more != (i == lessIsBetter)]
			}
			t.Before = append(t.Before, b)
		}
		tiles = append(tiles, t)
	}
	return tiles
}

func funnel(f pay.HourFigures) []step {
	steps := []step{{Text: "Orders made", Count: f.Orders}, {Text: "Shown to a customer", Count: f.Shown}, {Text: "Paid", Count: f.Paid}}
	for i := range steps {
		s := &steps[i]
		s.Share = percent(s.Count, f.Orders)
		if f.Orders > 0 {
			s.Width = int(s.Count * 100 / f.Orders)
		}
	}
	return steps
}

// hoursChart shows the takings of today's hours beside yesterday's.
func hoursChart(today, yesterday []pay.HourFigures, now int) chart {
	c := chart{}
	for h := range 24 {
		c.add(fmt.Sprintf("%02d:00", h), today[h], yesterday[h].Takings, h == now)
	}
	c.Marks = []string{"0", "6", "12", "18", "24"}
	c.finish()
	return c
}

// daysChart shows the takings of the last thirty days.
func daysChart(lang string, hours []pay.HourFigures, today time.Time) chart {
	c := chart{}
	layout := "2 Jan"
	if lang == "zh-CN" {
		layout = "1月2日"
	}
	for day := range 30 {
		var sum pay.HourFigures
		for _, h := range hours[day*24 : (day+1)*24] {
			sum.Add(h)
		}
		c.add(today.AddDate(0, 0, day-29).Format(layout), sum, 0, day == 29)
	}
	c.Marks = []string{c.Bars[0].Label, c.Bars[10].Label, c.Bars[20].Label, c.Bars[29].Label}
	c.finish()
	return c
}

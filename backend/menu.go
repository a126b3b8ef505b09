package main

import (
	"encoding/json"
	"fmt"
	"io/fs"

	"saoma"
	"saoma/backend/pay"
)

// A menu is what the demo's café sells: goods in its web shop, and dishes at its tables. The pages are made of it, and
// so is the merchant's catalogue at Saoma, whose prices are the ones that count.
type menu struct {
	Goods      []product  `json:"goods"`
	Categories []category `json:"categories"`
}

type category struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	English string    `json:"en"`
	Dishes  []product `json:"dishes"`
}

// A product's picture is pictures/SKU.svg.
type product struct {
	SKU         string `json:"sku"`
	Name        string `json:"name"`
	English     string `json:"en"`
	Note        string `json:"note"`
	NoteEnglish string `json:"noteEn"`
	Price       int64  `json:"price"` // fen
}

func readMenu(files fs.FS) (m menu, err error) {
	text, err := fs.ReadFile(files, "menu.json")
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err != nil {
		return m, fmt.Errorf("read the menu: %w", err)
	}
	return m, nil
}

func (m menu) products() []product {
	all := append([]product{}, m.Goods...)
	for _, c := range m.Categories {
		all = append(all, c.Dishes...)
	}
	return all
}

// names are the names of a product in Chinese and in English; what is not on the menu has the one it is told.
func (m menu) names(sku, name string) (chinese, english string) {
	for _, p := range m.products() {
		if p.SKU == sku {
			return p.Name, p.English
		}
	}
	return name, name
}

// Counter is what the kiosk at the counter sells: the coffees.
func (m menu) Counter() []product { return m.Categories[0].Dishes }

// demoProducts is the café's menu as Saoma's catalogue. A name there is for every customer, so it is in both languages.
func demoProducts() ([]pay.Product, error) {
	files, err := fs.Sub(saoma.Public, "public/shop")
	if err != nil {
		return nil, fmt.Errorf("find public/shop: %w", err)
	}
	m, err := readMenu(files)
	if err != nil {
		return nil, err
	}
	var all []pay.Product
	for _, p := range m.products() {
		all = append(all, pay.Product{Merchant: demoMerchant, SKU: p.SKU, Name: p.Name + " " + p.English, Price: pay.Fen(p.Price)})
	}
	return all, nil
}

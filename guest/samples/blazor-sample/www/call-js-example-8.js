const SVG = 'http://www.w3.org/2000/svg';

// A map that is only a grid of ten degrees. It is opaque to the guest, and JSON has no form for it.
class GridMap {
  #svg;
  #place;

  constructor(element) {
    this.#svg = document.createElementNS(SVG, 'svg');
    this.#svg.setAttribute('role', 'img');
    for (let at = -180; at <= 180; at += 10) {
      this.#line(at, -90, at, 90);
      if (Math.abs(at) <= 90) this.#line(-180, at, 180, at);
    }
    this.#place = this.#add('circle', { r: 0.75 });
    element.replaceChildren(this.#svg);
    this.setCenter(0, 0);
  }

  setCenter(latitude, longitude) {
    const [x, y] = [longitude, -latitude];
    this.#svg.setAttribute('viewBox', `${x - 30} ${y - 15} 60 30`);
    this.#svg.setAttribute('aria-label', `A map around ${latitude}, ${longitude}`);
    this.#place.setAttribute('cx', x);
    this.#place.setAttribute('cy', y);
  }

  #line(x1, y1, x2, y2) {
    // The equator and the prime meridian stand out.
    this.#add('line', { x1, y1, x2, y2, class: x1 + x2 === 0 && (x1 === 0 || y1 === 0) ? 'main' : '' });
  }

  #add(name, attributes) {
    const shape = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) shape.setAttribute(key, value);
    return this.#svg.appendChild(shape);
  }
}

export function addMapToElement(element) {
  return new GridMap(element);
}

export function setMapCenter(map, latitude, longitude) {
  map.setCenter(latitude, longitude);
}

/** A line chart as SVG, both axes logarithmic: what grows in proportion is a line of 45°. Pure. */

export interface Series {
  readonly name: string;
  readonly points: readonly { readonly size: number; readonly cost: number }[];
}

const WIDTH = 640;
const HEIGHT = 360;
const EDGE = { left: 64, right: 112, top: 40, bottom: 44 };
const COLOURS = ['#0b6bcb', '#c41c1c', '#1f7a1f', '#9a5b13'];

/** @param unit of the costs; sizes are numbers of Services */
export function chart(title: string, unit: string, series: readonly Series[]): string {
  const drawn = series.filter(({ points }) => points.length > 0);
  const points = drawn.flatMap((each) => each.points);
  const x = scale(
    points.map(({ size }) => size),
    EDGE.left,
    WIDTH - EDGE.right,
  );
  const y = scale(
    points.map(({ cost }) => cost),
    HEIGHT - EDGE.bottom,
    EDGE.top,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    label(EDGE.left, 22, `${title} (${unit})`, 'start', 'font-size="15"'),
    ...x.ticks.map((at) => line(x.of(at), EDGE.top, x.of(at), HEIGHT - EDGE.bottom)),
    ...x.ticks.map((at) => label(x.of(at), HEIGHT - EDGE.bottom + 18, at.toLocaleString('en'))),
    ...y.ticks.map((at) => line(EDGE.left, y.of(at), WIDTH - EDGE.right, y.of(at))),
    ...y.ticks.map((at) => label(EDGE.left - 8, y.of(at) + 4, at.toLocaleString('en'), 'end')),
    label((EDGE.left + WIDTH - EDGE.right) / 2, HEIGHT - 8, 'Services'),
    ...drawn.flatMap((each, i) => curve(each, COLOURS[i % COLOURS.length]!, x, y)),
    '</svg>',
    '',
  ].join('\n');
}

interface Scale {
  /** powers of ten around all values */
  readonly ticks: readonly number[];
  of(value: number): number;
}

function scale(values: readonly number[], from: number, to: number): Scale {
  const logs = values.filter((value) => value > 0).map(Math.log10);
  const least = Math.floor(Math.min(...logs, 0));
  const most = Math.max(Math.ceil(Math.max(...logs, 0)), least + 1);
  return {
    ticks: Array.from({ length: most - least + 1 }, (_, i) => 10 ** (least + i)),
    of: (value) => {
      const log = Math.log10(Math.max(value, 10 ** least));
      return round(from + ((to - from) * (log - least)) / (most - least));
    },
  };
}

function curve({ name, points }: Series, colour: string, x: Scale, y: Scale): readonly string[] {
  const places = points
    .toSorted((a, b) => a.size - b.size)
    .map(({ size, cost }) => ({ x: x.of(size), y: y.of(cost) }));
  const end = places.at(-1)!;
  const path = places.map((place) => `${place.x},${place.y}`).join(' ');
  return [
    `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
    ...places.map((place) => `<circle cx="${place.x}" cy="${place.y}" r="3" fill="${colour}"/>`),
    label(end.x + 8, end.y + 4, name, 'start', `fill="${colour}"`),
  ];
}

function line(x1: number, y1: number, x2: number, y2: number): string {
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="#ddd"/>`;
}

function label(x: number, y: number, text: string, anchor = 'middle', more = ''): string {
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x}" y="${y}" text-anchor="${anchor}" ${more}>${escaped}</text>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

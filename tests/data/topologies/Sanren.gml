# Excerpt of Sanren.gml of the Internet Topology Zoo (Knight et al., IEEE JSAC 29(9), 2011): all nodes and edges.
graph [
  GeoLocation "South Africa"
  Network "Sanren"
  Source "http://www.sanren.ac.za/"
  label "Sanren"
  Creator "Topology Zoo Toolset"
  node [
    id 0
    label "Johannesburg"
    Country "South Africa"
    Longitude 28.04363
    Internal 1
    Latitude -26.20227
  ]
  node [
    id 1
    label "Pretoria"
    Country "South Africa"
    Longitude 28.18783
    Internal 1
    Latitude -25.74486
  ]
  node [
    id 2
    label "Durban"
    Country "South Africa"
    Longitude 31.01667
    Internal 1
    Latitude -29.85
  ]
  node [
    id 3
    label "Bloemfontein"
    Country "South Africa"
    Longitude 26.2
    Internal 1
    Latitude -29.13333
  ]
  node [
    id 4
    label "East London"
    Country "South Africa"
    Longitude 27.91162
    Internal 1
    Latitude -33.01529
  ]
  node [
    id 5
    label "Port Elizabeth"
    Country "South Africa"
    Longitude 25.58333
    Internal 1
    Latitude -33.96667
  ]
  node [
    id 6
    label "Cape Town"
    Country "South Africa"
    Longitude 18.41667
    Internal 1
    Latitude -33.91667
  ]
  edge [
    source 0
    target 1
    id "e0"
  ]
  edge [
    source 0
    target 3
    id "e1"
  ]
  edge [
    source 1
    target 2
    id "e2"
  ]
  edge [
    source 2
    target 4
    id "e3"
  ]
  edge [
    source 3
    target 6
    id "e4"
  ]
  edge [
    source 4
    target 5
    id "e5"
  ]
  edge [
    source 5
    target 6
    id "e6"
  ]
]

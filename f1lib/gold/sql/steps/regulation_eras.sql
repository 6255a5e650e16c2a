-- Seasons in which new technical regulations began. Major: a new power unit or a new aerodynamic concept, after
-- which last year's order says little.
-- Grain: first_season.
-- Inputs: none. FIA Formula One Technical Regulations of the named years: 2009 aerodynamics, slicks and KERS; 2014
--         1.6 l turbo hybrid power units; 2017 wider cars and tyres; 2019 simplified front wings; 2022 ground
--         effect and 18-inch wheels; 2026 new power units, active aerodynamics, smaller cars.
-- Cut-off: none; regulations are published years before they apply.
SELECT first_season, is_major
FROM (VALUES (2009, true), (2014, true), (2017, false), (2019, false), (2022, true), (2026, true))
    AS era (first_season, is_major)
ORDER BY first_season

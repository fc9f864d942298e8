"""The house to price: 79 features and the caller's own id."""

from typing import Annotated, Final

from pydantic import Field

from housing_price_orchestrator.shared.view.base import INTEGRAL, View
from housing_price_survey.vocabulary import (
    Alley,
    BldgType,
    BsmtExposure,
    BsmtFinType,
    BuiltGrade,
    Condition1,
    Condition2,
    Electrical,
    Exterior1st,
    Exterior2nd,
    Fence,
    Foundation,
    Functional,
    GarageFinish,
    GarageType,
    Grade,
    Heating,
    HouseStyle,
    LandContour,
    LandSlope,
    LotConfig,
    LotShape,
    MasVnrType,
    MiscFeature,
    MsSubClass,
    MsZoning,
    Neighborhood,
    PavedDrive,
    RoofMatl,
    RoofStyle,
    SaleCondition,
    SaleType,
    Street,
    Utilities,
    YesNo,
)

# The units of these numbers stand in `housing_price_survey.columns`; `fields.py` adds them to the API's document.
# Bounds admit every house of the survey and any plausible house in Ames, but reject a misplaced decimal point.
# The garage year admits 2207, an error in the survey's own data.
type HouseId = Annotated[int, Field(ge=1, le=2**63 - 1), INTEGRAL]
type Area = Annotated[float, Field(ge=0, le=20_000)]
type LotArea = Annotated[float, Field(ge=1, le=2_000_000)]
type Length = Annotated[float, Field(ge=0, le=5_000)]
type Dollars = Annotated[float, Field(ge=0, le=1_000_000)]
type Count = Annotated[int, Field(ge=0, le=50), INTEGRAL]
type Rating = Annotated[int, Field(ge=1, le=10), INTEGRAL]
type Year = Annotated[int, Field(ge=1800, le=2100), INTEGRAL]
type GarageYear = Annotated[int, Field(ge=1800, le=2300), INTEGRAL]
type Month = Annotated[int, Field(ge=1, le=12), INTEGRAL]


class House(View):
    """A house to price. Nullable features are optional; all others are required."""

    id: Annotated[HouseId, Field(title="Id")]
    """The caller's own number for the house. It is returned with the price."""
    ms_sub_class: Annotated[MsSubClass, INTEGRAL]
    """The type of dwelling in the sale, by the survey's code."""
    ms_zoning: MsZoning | None = None
    """The zoning of the lot."""
    lot_frontage: Length | None = None
    """The length of street connected to the lot, in feet."""
    lot_area: LotArea
    """The size of the lot, in square feet."""
    street: Street
    """The type of road access to the property."""
    alley: Alley | None = None
    """The type of alley access to the property; null if there is none."""
    lot_shape: LotShape
    """The shape of the lot."""
    land_contour: LandContour
    """The flatness of the lot."""
    utilities: Utilities | None = None
    """The utilities available."""
    lot_config: LotConfig
    """The position of the lot relative to the street and its neighbours."""
    land_slope: LandSlope
    """The slope of the lot."""
    neighborhood: Neighborhood
    """The neighborhood within the city limits of Ames."""
    condition1: Condition1
    """The nearest main road, railroad or amenity."""
    condition2: Condition2
    """A second nearby road, railroad or amenity."""
    bldg_type: BldgType
    """The type of dwelling."""
    house_style: HouseStyle
    """The style of dwelling."""
    overall_qual: Rating
    """The overall material and finish of the house, from 1 (very poor) to 10 (very excellent)."""
    overall_cond: Rating
    """The overall condition of the house, from 1 (very poor) to 10 (very excellent)."""
    year_built: Year
    """The year of construction."""
    year_remod_add: Year
    """The year of the last remodelling; the year of construction if there was none."""
    roof_style: RoofStyle
    """The type of roof."""
    roof_matl: RoofMatl
    """The material of the roof."""
    exterior_1st: Exterior1st | None = None
    """The main exterior covering."""
    exterior_2nd: Exterior2nd | None = None
    """The second exterior covering, if there is more than one material."""
    mas_vnr_type: MasVnrType | None = None
    """The type of masonry veneer; the value `None` means that the house has none."""
    mas_vnr_area: Area | None = None
    """The area of the masonry veneer, in square feet."""
    exter_qual: BuiltGrade
    """The quality of the material on the exterior."""
    exter_cond: Grade
    """The condition of the material on the exterior."""
    foundation: Foundation
    """The type of foundation."""
    bsmt_qual: Grade | None = None
    """The height of the basement, as a grade; null if there is no basement."""
    bsmt_cond: Grade | None = None
    """The condition of the basement; null if there is no basement."""
    bsmt_exposure: BsmtExposure | None = None
    """The exposure of walkout or garden-level basement walls; null if there is no basement."""
    bsmt_fin_type1: BsmtFinType | None = None
    """The quality of the first finished basement area; null if there is no basement."""
    bsmt_fin_sf1: Area | None = None
    """The first finished area of the basement, in square feet."""
    bsmt_fin_type2: BsmtFinType | None = None
    """The quality of the second finished basement area; null if there is no basement."""
    bsmt_fin_sf2: Area | None = None
    """The second finished area of the basement, in square feet."""
    bsmt_unf_sf: Area | None = None
    """The unfinished area of the basement, in square feet."""
    total_bsmt_sf: Area | None = None
    """The total area of the basement, in square feet."""
    heating: Heating
    """The type of heating."""
    heating_qc: Grade
    """The quality and condition of the heating."""
    central_air: YesNo
    """Whether the house has central air conditioning."""
    electrical: Electrical | None = None
    """The electrical system."""
    first_flr_sf: Area
    """The area of the first floor, in square feet."""
    second_flr_sf: Area
    """The area of the second floor, in square feet."""
    low_qual_fin_sf: Area
    """The low-quality finished area of all floors, in square feet."""
    gr_liv_area: Area
    """The living area above ground, in square feet."""
    bsmt_full_bath: Count | None = None
    """The number of full bathrooms in the basement."""
    bsmt_half_bath: Count | None = None
    """The number of half bathrooms in the basement."""
    full_bath: Count
    """The number of full bathrooms above ground."""
    half_bath: Count
    """The number of half bathrooms above ground."""
    bedroom_abv_gr: Count
    """The number of bedrooms above ground."""
    kitchen_abv_gr: Count
    """The number of kitchens above ground."""
    kitchen_qual: Grade | None = None
    """The quality of the kitchen."""
    tot_rms_abv_grd: Count
    """The number of rooms above ground, not counting bathrooms."""
    functional: Functional | None = None
    """The functionality of the home."""
    fireplaces: Count
    """The number of fireplaces."""
    fireplace_qu: Grade | None = None
    """The quality of the fireplace; null if there is none."""
    garage_type: GarageType | None = None
    """The location of the garage; null if there is none."""
    garage_yr_blt: GarageYear | None = None
    """The year in which the garage was built; null if there is none."""
    garage_finish: GarageFinish | None = None
    """The interior finish of the garage; null if there is none."""
    garage_cars: Count | None = None
    """The capacity of the garage, in cars."""
    garage_area: Area | None = None
    """The area of the garage, in square feet."""
    garage_qual: Grade | None = None
    """The quality of the garage; null if there is none."""
    garage_cond: Grade | None = None
    """The condition of the garage; null if there is none."""
    paved_drive: PavedDrive
    """Whether the driveway is paved: no (`N`), partly (`P`) or yes (`Y`)."""
    wood_deck_sf: Area
    """The area of the wood deck, in square feet."""
    open_porch_sf: Area
    """The area of the open porch, in square feet."""
    enclosed_porch: Area
    """The area of the enclosed porch, in square feet."""
    three_ssn_porch: Area
    """The area of the three-season porch, in square feet."""
    screen_porch: Area
    """The area of the screen porch, in square feet."""
    pool_area: Area
    """The area of the pool, in square feet."""
    pool_qc: BuiltGrade | None = None
    """The quality of the pool; null if there is none."""
    fence: Fence | None = None
    """The quality of the fence; null if there is none."""
    misc_feature: MiscFeature | None = None
    """A feature not covered by other fields; null if there is none."""
    misc_val: Dollars
    """The value of the miscellaneous feature, in US dollars."""
    mo_sold: Month
    """The month of the sale, from 1 to 12."""
    yr_sold: Year
    """The year of the sale."""
    sale_type: SaleType | None = None
    """The type of sale."""
    sale_condition: SaleCondition
    """The condition of the sale."""


MAX_BATCH_HOUSES: Final = 10_000
"""Maximum number of houses in a batch."""


class HouseBatch(View):
    """Houses to price in one request. The response keeps their order."""

    data: Annotated[list[House], Field(min_length=1, max_length=MAX_BATCH_HOUSES)]
    """The houses, from 1 to 10,000."""
